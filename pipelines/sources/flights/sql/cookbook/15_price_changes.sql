-- What became cheaper or dearer since the day before?
--
-- day: 2026-11-02 | today - 1
-- day_before: 2026-11-01 | today - 2
-- rows: 10
SELECT itinerary_id, before.price_amount AS was, today.price_amount AS is_now, price_currency,
    round(100 * (today.price_amount / before.price_amount - 1), 1) AS change_pct
FROM metrics.flight_prices_by_day AS today
INNER JOIN metrics.flight_prices_by_day AS before USING (itinerary_id, price_currency)
WHERE today.snapshot_on = CAST(%(day)s AS date) AND before.snapshot_on = CAST(%(day_before)s AS date)
    AND today.price_amount <> before.price_amount
ORDER BY change_pct, itinerary_id
LIMIT %(rows)s;
