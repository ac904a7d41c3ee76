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
'What each itinerary cost whenever it was seen: one row for an itinerary and a snapshot that offered
it. For one row a day query metrics.flight_prices_by_day.';
COMMENT ON COLUMN metrics.flight_prices.itinerary_id IS 'The itinerary (enriched.itineraries).';
COMMENT ON COLUMN metrics.flight_prices.snapshot_at IS 'When it was seen.';
COMMENT ON COLUMN metrics.flight_prices.snapshot_on IS 'Its day (UTC).';
COMMENT ON COLUMN metrics.flight_prices.agent IS 'Who sold it then.';
COMMENT ON COLUMN metrics.flight_prices.agent_rating IS 'The agent''s rating then, 0 to 10.';
COMMENT ON COLUMN metrics.flight_prices.price_amount IS 'Price then, in price_currency.';
COMMENT ON COLUMN metrics.flight_prices.price_currency IS 'ISO 4217 code.';
