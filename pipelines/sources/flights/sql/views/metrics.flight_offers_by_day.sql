CREATE OR REPLACE VIEW metrics.flight_offers_by_day AS
WITH newest AS (
    SELECT snapshot_on, max(snapshot_at) AS snapshot_at
    FROM flights.snapshots
    WHERE is_loaded
    GROUP BY snapshot_on
), offered AS (
    SELECT
        newest.snapshot_on, kept.price_currency,
        min(kept.lowest_price)::numeric(16, 2) AS lowest_price,
        sum(kept.offers) AS offers,
        (sum(sum(kept.offers)) OVER (PARTITION BY newest.snapshot_on) - sum(kept.offers))::bigint
            AS offers_in_other_currencies
    FROM flights.lowest_prices AS kept
    INNER JOIN newest USING (snapshot_at)
    GROUP BY newest.snapshot_on, kept.price_currency
), usual AS (
    SELECT price_currency
    FROM offered
    ORDER BY snapshot_on DESC, offers DESC, price_currency
    LIMIT 1
), days AS (
    SELECT
        min(snapshot_on) AS first_on,
        max(snapshot_on) AS newest_on,
        greatest(max(snapshot_on), (now() AT TIME ZONE 'UTC')::date - 1) AS last_on
    FROM newest
    WHERE snapshot_on >= (SELECT max(snapshot_on) FROM newest) - 60
)
SELECT
    every.day::date AS day, usual.price_currency, offered.lowest_price, offered.offers,
    offered.offers_in_other_currencies, days.newest_on
FROM days
CROSS JOIN usual
CROSS JOIN LATERAL generate_series(days.first_on::timestamp, days.last_on, interval '1 day') AS every (day)
LEFT JOIN offered
    ON every.day::date = offered.snapshot_on AND usual.price_currency = offered.price_currency;

COMMENT ON VIEW metrics.flight_offers_by_day IS
'Lowest price of all offers by day, one row per day (UTC) of the last 60. It is of the last document of the day,
over accepted records that had not departed, in the currency that most of the newest ones have. A day without a
document has a row without numbers, so that the row before is the day before. The last row is that of the
newest document, or yesterday if it is older.';
COMMENT ON COLUMN metrics.flight_offers_by_day.day IS 'The day (UTC).';
COMMENT ON COLUMN metrics.flight_offers_by_day.price_currency IS
'ISO 4217 code, the same for all days: that of most offers of the newest day.';
COMMENT ON COLUMN metrics.flight_offers_by_day.lowest_price IS
'Lowest price, in price_currency; null if the day has no document, or none with this currency.';
COMMENT ON COLUMN metrics.flight_offers_by_day.offers IS
'Number of offers in price_currency; null as lowest_price.';
COMMENT ON COLUMN metrics.flight_offers_by_day.offers_in_other_currencies IS
'Number of offers in other currencies, which are left out; null as lowest_price.';
COMMENT ON COLUMN metrics.flight_offers_by_day.newest_on IS 'Day of the newest document.';
