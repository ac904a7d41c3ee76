-- Which itineraries have any leg without a stop?
--
-- Each itinerary is listed once, even if several of its legs match. `leg_stops` has the stops of each leg, in the order of
-- the legs.
--
-- rows: 10
SELECT itinerary_id, route, leg_stops, withdrawn_on
FROM enriched.itineraries
WHERE 0 = ANY(leg_stops)
ORDER BY itinerary_id
LIMIT %(rows)s;
