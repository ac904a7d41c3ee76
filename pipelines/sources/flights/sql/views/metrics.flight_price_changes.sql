CREATE OR REPLACE VIEW metrics.flight_price_changes AS
SELECT
    offers.itinerary_id,
    offers.last_accepted_at,
    before.snapshot_at AS previous_at,
    offers.price_currency,
    offers.price_amount,
    prices.price_amount AS previous_amount,
    (offers.price_amount - prices.price_amount)::numeric(16, 2) AS change_amount,
    round(100 * (offers.price_amount / prices.price_amount - 1), 1) AS change_pct
FROM enriched.itineraries AS offers
CROSS JOIN LATERAL (
    SELECT max(snapshots.snapshot_at) AS snapshot_at
    FROM flights.snapshots
    WHERE snapshots.is_loaded AND snapshots.snapshot_at < offers.last_accepted_at
) AS before
LEFT JOIN flights.prices
    ON
        offers.itinerary_id = prices.itinerary_id
        AND offers.price_currency = prices.price_currency
        AND offers.route = prices.route
        AND before.snapshot_at >= prices.seen_from_at
        AND before.snapshot_at <= coalesce(prices.seen_until_at, 'infinity')
        AND NOT EXISTS (
            SELECT FROM flights.rejected_offers AS rejected
            WHERE rejected.itinerary_id = offers.itinerary_id
                AND rejected.snapshot_at = before.snapshot_at
        );

COMMENT ON VIEW metrics.flight_price_changes IS
'Last accepted price of each itinerary against its accepted price in the snapshot just before, in the same
currency and on the same route. Without such a price the change is null: the offer is new or back, its
record was rejected there, or its currency or route changed. For two days, see
metrics.flight_price_changes_on.';
COMMENT ON COLUMN metrics.flight_price_changes.last_accepted_at IS
'Time of the last snapshot whose record of the itinerary was accepted.';
COMMENT ON COLUMN metrics.flight_price_changes.previous_at IS
'Time of the snapshot just before that, of all offers; null if there is none.';
COMMENT ON COLUMN metrics.flight_price_changes.price_amount IS 'Last accepted price, in price_currency.';
COMMENT ON COLUMN metrics.flight_price_changes.price_currency IS 'ISO 4217 code of both prices.';
COMMENT ON COLUMN metrics.flight_price_changes.previous_amount IS
'Accepted price in the snapshot at previous_at; null if there is none that compares.';
COMMENT ON COLUMN metrics.flight_price_changes.change_amount IS
'price_amount less previous_amount, in price_currency; 0 if the price is the same.';
COMMENT ON COLUMN metrics.flight_price_changes.change_pct IS
'Change in percent of previous_amount, rounded to a tenth: -20 is a fifth cheaper.';
