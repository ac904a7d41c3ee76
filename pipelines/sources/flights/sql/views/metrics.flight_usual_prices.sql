-- Samples are gathered in arrays by hashing: sorting them by five columns took three times as long.
CREATE OR REPLACE VIEW metrics.flight_usual_prices AS
SELECT
    gathered.from_city, gathered.to_city, gathered.trip, gathered.price_currency,
    gathered.weeks_before_departure,
    CASE WHEN summed.snapshot_days >= 10 THEN summed.quartiles[1]::numeric(16, 2) END AS low_price,
    CASE WHEN summed.snapshot_days >= 10 THEN summed.quartiles[2]::numeric(16, 2) END AS typical_price,
    CASE WHEN summed.snapshot_days >= 10 THEN summed.quartiles[3]::numeric(16, 2) END AS high_price,
    summed.quartiles[2]::numeric(16, 2) AS median_price,
    summed.snapshot_days,
    cardinality(gathered.prices)::bigint AS samples
FROM (
    SELECT
        from_city, to_city, trip, price_currency, weeks_before_departure,
        array_agg(lowest_price) AS prices,
        array_agg(snapshot_on) AS days
    FROM (
        SELECT
            from_city, to_city, trip, price_currency, weeks_before_departure,
            (snapshot_at AT TIME ZONE 'UTC')::date AS snapshot_on,
            departure_on,
            min(lowest_price)::double precision AS lowest_price
        FROM flights.lowest_prices
        WHERE trip <> 'other'
            AND snapshot_at >= ((now() AT TIME ZONE 'UTC')::date - 59)::timestamp AT TIME ZONE 'UTC'
        GROUP BY 1, 2, 3, 4, 5, 6, 7
    ) AS sampled
    GROUP BY from_city, to_city, trip, price_currency, weeks_before_departure
) AS gathered
CROSS JOIN LATERAL (
    SELECT
        percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY sample.price) AS quartiles,
        count(DISTINCT sample.snapshot_on) AS snapshot_days
    FROM unnest(gathered.prices, gathered.days) AS sample (price, snapshot_on)
) AS summed;

COMMENT ON VIEW metrics.flight_usual_prices IS
'What trips between two cities usually cost, so many weeks before departure. A sample is the lowest price of
a snapshot day and a departure day; those of the last 60 days count, with the same cities, kind of trip,
currency and weeks before departure. Low, typical and high are their quartiles, so about a quarter of the
samples is above high_price. Trips that end elsewhere are left out.';
COMMENT ON COLUMN metrics.flight_usual_prices.weeks_before_departure IS
'Whole weeks from the snapshot to the departure; 0 is less than seven days.';
COMMENT ON COLUMN metrics.flight_usual_prices.low_price IS
'Lower quartile of the samples, in price_currency; null if they are of fewer than ten days.';
COMMENT ON COLUMN metrics.flight_usual_prices.typical_price IS
'Median of the samples, in price_currency; null if they are of fewer than ten days.';
COMMENT ON COLUMN metrics.flight_usual_prices.high_price IS
'Upper quartile of the samples, in price_currency; null if they are of fewer than ten days.';
COMMENT ON COLUMN metrics.flight_usual_prices.median_price IS
'Median of the samples however few they are: the price by weeks before departure.';
COMMENT ON COLUMN metrics.flight_usual_prices.snapshot_days IS 'Days with a snapshot among the samples.';
COMMENT ON COLUMN metrics.flight_usual_prices.samples IS 'Number of samples.';
