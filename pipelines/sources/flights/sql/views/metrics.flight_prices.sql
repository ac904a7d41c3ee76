CREATE OR REPLACE VIEW metrics.flight_prices AS
SELECT
    prices.itinerary_id,
    snapshots.snapshot_at,
    snapshots.snapshot_on,
    CASE WHEN rejected.reason IS NULL THEN prices.agent END AS agent,
    CASE WHEN rejected.reason IS NULL THEN prices.agent_rating END AS agent_rating,
    CASE WHEN rejected.reason IS NULL THEN prices.price_amount END::numeric(16, 2) AS price_amount,
    CASE WHEN rejected.reason IS NULL THEN prices.price_currency END AS price_currency,
    rejected.reason AS rejection_reason,
    prices.route
FROM flights.prices
INNER JOIN flights.snapshots
    ON snapshots.snapshot_at >= prices.seen_from_at
    AND snapshots.snapshot_at <= coalesce(prices.seen_until_at, 'infinity')
    AND snapshots.is_loaded
LEFT JOIN flights.rejected_offers AS rejected
    ON
        prices.itinerary_id = rejected.itinerary_id
        AND snapshots.snapshot_at = rejected.snapshot_at;

COMMENT ON VIEW metrics.flight_prices IS
'Price history of each itinerary: one row per itinerary and snapshot that offered it, from the first
one whose record was accepted. Where the record of a later snapshot was rejected, price and agent
are null, and rejection_reason says why; all rejected records are in flights.rejected_offers. For one
row per day, query metrics.flight_prices_by_day. An id whose legs fly another route is another offer:
compare prices of the same route only.';
COMMENT ON COLUMN metrics.flight_prices.itinerary_id IS 'The itinerary (enriched.itineraries).';
COMMENT ON COLUMN metrics.flight_prices.snapshot_at IS 'Time of the snapshot.';
COMMENT ON COLUMN metrics.flight_prices.snapshot_on IS 'UTC date of the snapshot.';
COMMENT ON COLUMN metrics.flight_prices.agent IS
'Agent that sold the itinerary at that time; null if the record was rejected.';
COMMENT ON COLUMN metrics.flight_prices.agent_rating IS
'Rating of the agent at that time, 0 to 10; null if none was sent or the record was rejected.';
COMMENT ON COLUMN metrics.flight_prices.price_amount IS
'Price at that time, in price_currency; null if the record was rejected.';
COMMENT ON COLUMN metrics.flight_prices.price_currency IS
'ISO 4217 code; null if the record was rejected.';
COMMENT ON COLUMN metrics.flight_prices.rejection_reason IS
'Why the record of this snapshot was rejected; null if it was accepted.';
COMMENT ON COLUMN metrics.flight_prices.route IS
'Legs in order by their airports, "BUD-LTN, LTN-BUD", as last accepted by then.';
