CREATE OR REPLACE VIEW metrics.flight_lowest_prices AS
SELECT
    snapshot_at, snapshot_on, from_city, to_city, trip, departure_on, weeks_before_departure,
    price_currency, lowest_price, offers,
    (
        sum(offers) OVER (
            PARTITION BY snapshot_at, from_city, to_city, trip, departure_on, weeks_before_departure
        ) - offers
    )::bigint AS offers_in_other_currencies
FROM (
    SELECT
        snapshot_at,
        (snapshot_at AT TIME ZONE 'UTC')::date AS snapshot_on,
        from_city,
        to_city,
        trip,
        departure_on,
        weeks_before_departure,
        price_currency,
        min(lowest_price)::numeric(16, 2) AS lowest_price,
        sum(offers) AS offers
    FROM flights.lowest_prices
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
) AS by_city;

COMMENT ON VIEW metrics.flight_lowest_prices IS
'Lowest price of each snapshot of the last 60 days by cities, kind of trip, departure day and currency.
Only accepted records count, and what had not departed. Each currency has rows of its own.';
COMMENT ON COLUMN metrics.flight_lowest_prices.snapshot_on IS 'UTC date of snapshot_at.';
COMMENT ON COLUMN metrics.flight_lowest_prices.from_city IS
'City and country of departure, as in enriched.itineraries.';
COMMENT ON COLUMN metrics.flight_lowest_prices.to_city IS
'City and country where the first leg arrives, as in enriched.itineraries.';
COMMENT ON COLUMN metrics.flight_lowest_prices.weeks_before_departure IS
'Whole weeks from the snapshot to the departure; 0 is less than seven days.';
COMMENT ON COLUMN metrics.flight_lowest_prices.lowest_price IS 'Lowest price, in price_currency.';
COMMENT ON COLUMN metrics.flight_lowest_prices.offers IS 'Number of offers in price_currency.';
COMMENT ON COLUMN metrics.flight_lowest_prices.offers_in_other_currencies IS
'Number of offers of the same snapshot, cities, trip and departure in other currencies: they are left out.';
