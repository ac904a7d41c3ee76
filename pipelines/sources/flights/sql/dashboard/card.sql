SELECT
    day,
    lowest_price::double precision AS value,
    price_currency AS unit,
    CASE
        WHEN lowest_price IS NULL THEN 'No document since ' || to_char(newest_on, 'YYYY-MM-DD')
        ELSE to_char(offers, 'FM999,999,999') || ' offers in ' || price_currency
            || CASE
                WHEN offers_in_other_currencies > 0
                    THEN '; ' || to_char(offers_in_other_currencies, 'FM999,999,999')
                        || ' in other currencies are left out'
                ELSE ''
            END
    END AS detail
FROM metrics.flight_offers_by_day
WHERE day > (now() AT TIME ZONE 'UTC')::date - 31
ORDER BY day;
