CREATE OR REPLACE FUNCTION metrics.flight_price_changes_on(on_day date)
RETURNS TABLE (
    itinerary_id text,
    route text,
    price_currency text,
    price_amount numeric,
    previous_amount numeric,
    change_pct numeric
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
SELECT
    itinerary_id, route, price_currency, today.price_amount, before.price_amount,
    round(100 * (today.price_amount / before.price_amount - 1), 1)
FROM metrics.flight_prices_by_day AS today
INNER JOIN metrics.flight_prices_by_day AS before USING (itinerary_id, route, price_currency)
WHERE today.snapshot_on = $1 AND before.snapshot_on = $1 - 1
$$;

COMMENT ON FUNCTION metrics.flight_price_changes_on(date) IS
'Returns the prices of a day (UTC) beside those of the day before by the calendar, for each itinerary with
an accepted price on both, in the same currency and on the same route. change_pct is in percent of the
earlier price. Without documents on either day there are no rows.
Example: SELECT * FROM metrics.flight_price_changes_on(current_date) ORDER BY change_pct;';
