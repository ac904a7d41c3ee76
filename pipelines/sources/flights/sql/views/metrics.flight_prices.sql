CREATE OR REPLACE VIEW metrics.flight_prices AS
SELECT
    prices.itinerary_id,
    snapshots.snapshot_on,
    prices.agent,
    prices.agent_rating,
    prices.price_amount,
    prices.price_currency
FROM flights.prices
INNER JOIN flights.snapshots
    ON snapshots.snapshot_on >= prices.seen_from_on
    AND snapshots.snapshot_on <= coalesce(prices.seen_until_on, 'infinity')
    AND snapshots.loaded_sha256 IS NOT NULL;

COMMENT ON VIEW metrics.flight_prices IS
'What each itinerary cost on each day: one row for an itinerary and a snapshot that offered it.';
COMMENT ON COLUMN metrics.flight_prices.itinerary_id IS 'The itinerary (enriched.itineraries).';
COMMENT ON COLUMN metrics.flight_prices.snapshot_on IS 'Day of the snapshot (UTC).';
COMMENT ON COLUMN metrics.flight_prices.agent IS 'Who sold it that day.';
COMMENT ON COLUMN metrics.flight_prices.agent_rating IS 'The agent''s rating that day, 0 to 10.';
COMMENT ON COLUMN metrics.flight_prices.price_amount IS 'Price that day, in price_currency.';
COMMENT ON COLUMN metrics.flight_prices.price_currency IS 'ISO 4217 code.';
