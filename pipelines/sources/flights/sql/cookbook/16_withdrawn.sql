-- Which itineraries were withdrawn?
--
-- An itinerary also disappears from the document on the day of its departure.
--
-- since_day: 2026-11-01 | today - 30
-- rows: 10
SELECT itinerary_id, agent, price_amount, price_currency, last_seen_on, withdrawn_on, departure_on
FROM enriched.itineraries
WHERE withdrawn_on >= CAST(%(since_day)s AS date) AND withdrawn_on < departure_on
ORDER BY withdrawn_on DESC, itinerary_id
LIMIT %(rows)s;
