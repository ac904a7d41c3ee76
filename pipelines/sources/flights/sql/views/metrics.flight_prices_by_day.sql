CREATE OR REPLACE VIEW metrics.flight_prices_by_day AS
SELECT DISTINCT ON (itinerary_id, snapshot_on)
    itinerary_id,
    snapshot_on,
    agent,
    agent_rating,
    price_amount,
    price_currency
FROM metrics.flight_prices
ORDER BY itinerary_id, snapshot_on, snapshot_at DESC;

COMMENT ON VIEW metrics.flight_prices_by_day IS
'What each itinerary cost on each day that offered it, by the last snapshot of the day with it: one
row for an itinerary and a day.';
COMMENT ON COLUMN metrics.flight_prices_by_day.itinerary_id IS
'The itinerary (enriched.itineraries).';
COMMENT ON COLUMN metrics.flight_prices_by_day.snapshot_on IS 'The day (UTC).';
COMMENT ON COLUMN metrics.flight_prices_by_day.agent IS 'Who sold it then.';
COMMENT ON COLUMN metrics.flight_prices_by_day.agent_rating IS
'The agent''s rating then, 0 to 10.';
COMMENT ON COLUMN metrics.flight_prices_by_day.price_amount IS 'Price then, in price_currency.';
COMMENT ON COLUMN metrics.flight_prices_by_day.price_currency IS 'ISO 4217 code.';
