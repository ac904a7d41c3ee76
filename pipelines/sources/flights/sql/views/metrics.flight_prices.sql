CREATE OR REPLACE VIEW metrics.flight_prices AS
SELECT
    prices.itinerary_id,
    snapshots.snapshot_at,
    snapshots.snapshot_on,
    prices.agent,
    prices.agent_rating,
    prices.price_amount,
    prices.price_currency
FROM flights.prices
INNER JOIN flights.snapshots
    ON snapshots.snapshot_at >= prices.seen_from_at
    AND snapshots.snapshot_at <= coalesce(prices.seen_until_at, 'infinity')
    AND snapshots.is_loaded;

COMMENT ON VIEW metrics.flight_prices IS
'Price history of each itinerary: one row per itinerary and snapshot that offered it. For one row
per day, query metrics.flight_prices_by_day.';
COMMENT ON COLUMN metrics.flight_prices.itinerary_id IS 'The itinerary (enriched.itineraries).';
COMMENT ON COLUMN metrics.flight_prices.snapshot_at IS 'Time of the snapshot.';
COMMENT ON COLUMN metrics.flight_prices.snapshot_on IS 'UTC date of the snapshot.';
COMMENT ON COLUMN metrics.flight_prices.agent IS 'Agent that sold the itinerary at that time.';
COMMENT ON COLUMN metrics.flight_prices.agent_rating IS
'Rating of the agent at that time, 0 to 10.';
COMMENT ON COLUMN metrics.flight_prices.price_amount IS 'Price at that time, in price_currency.';
COMMENT ON COLUMN metrics.flight_prices.price_currency IS 'ISO 4217 code.';
