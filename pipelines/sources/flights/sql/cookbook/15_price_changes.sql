-- What became cheaper or dearer since the day before?
--
-- Both days have a price in the same currency and on the same route. `metrics.flight_price_changes` has the newest document
-- beside the one just before.
--
-- day: 2026-11-02 | today - 1
-- rows: 10
SELECT itinerary_id, previous_amount AS was, price_amount AS is_now, price_currency, change_pct
FROM metrics.flight_price_changes_on(CAST(%(day)s AS date))
WHERE change_pct <> 0
ORDER BY change_pct, itinerary_id
LIMIT %(rows)s;
