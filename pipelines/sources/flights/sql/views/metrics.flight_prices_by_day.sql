CREATE OR REPLACE VIEW metrics.flight_prices_by_day AS
SELECT DISTINCT ON (itinerary_id, snapshot_on)
    itinerary_id, snapshot_on, agent, agent_rating, price_amount, price_currency, rejection_reason,
    route, snapshot_at
FROM metrics.flight_prices
ORDER BY itinerary_id, snapshot_on, rejection_reason IS NOT NULL, snapshot_at DESC;

COMMENT ON VIEW metrics.flight_prices_by_day IS
'Daily price of each itinerary: one row per itinerary and day on which it was offered. The price is
from the last snapshot of that day whose record of the itinerary was accepted. On a day without one,
price and agent are null, and rejection_reason says why.';
COMMENT ON COLUMN metrics.flight_prices_by_day.snapshot_on IS 'The day (UTC).';
COMMENT ON COLUMN metrics.flight_prices_by_day.agent IS
'Agent that sold the itinerary on that day; null if its record was rejected.';
COMMENT ON COLUMN metrics.flight_prices_by_day.agent_rating IS
'Rating of the agent on that day, 0 to 10; null if none was sent or the record was rejected.';
COMMENT ON COLUMN metrics.flight_prices_by_day.price_amount IS
'Price on that day, in price_currency; null if the record was rejected.';
COMMENT ON COLUMN metrics.flight_prices_by_day.rejection_reason IS
'Why the last record of that day was rejected; null if one was accepted.';
COMMENT ON COLUMN metrics.flight_prices_by_day.snapshot_at IS
'Time of the snapshot that the row is of.';
