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
'Daily price of each itinerary: one row per itinerary and day on which it was offered. The price is
from the last snapshot of that day that contains the itinerary.';
COMMENT ON COLUMN metrics.flight_prices_by_day.itinerary_id IS
'The itinerary (enriched.itineraries).';
COMMENT ON COLUMN metrics.flight_prices_by_day.snapshot_on IS 'The day (UTC).';
COMMENT ON COLUMN metrics.flight_prices_by_day.agent IS
'Agent that sold the itinerary on that day.';
COMMENT ON COLUMN metrics.flight_prices_by_day.agent_rating IS
'Rating of the agent on that day, 0 to 10.';
COMMENT ON COLUMN metrics.flight_prices_by_day.price_amount IS
'Price on that day, in price_currency.';
COMMENT ON COLUMN metrics.flight_prices_by_day.price_currency IS 'ISO 4217 code.';
