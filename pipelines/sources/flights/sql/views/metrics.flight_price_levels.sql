CREATE OR REPLACE VIEW metrics.flight_price_levels AS
SELECT
    offers.itinerary_id, usual.low_price, usual.typical_price, usual.high_price,
    CASE
        WHEN usual.low_price IS NULL OR offers.price_amount > offers.lowest_price THEN NULL
        WHEN offers.price_amount < usual.low_price THEN 'low'
        WHEN offers.price_amount > usual.high_price THEN 'high'
        ELSE 'usual'
    END AS price_level
FROM (
    SELECT
        *,
        floor(extract(EPOCH FROM departs_at - now()) / 604800)::integer AS weeks_before_departure,
        min(price_amount) OVER (PARTITION BY from_city, to_city, trip, price_currency, departure_on)
            AS lowest_price
    FROM enriched.itineraries
    WHERE on_offer
) AS offers
LEFT JOIN metrics.flight_usual_prices AS usual
    USING (from_city, to_city, trip, price_currency, weeks_before_departure);

COMMENT ON VIEW metrics.flight_price_levels IS
'Whether the offers that can be had now are cheap or dear for their cities: one row per offer, with the usual
range of its cities, kind of trip, currency and weeks before departure (metrics.flight_usual_prices).';
COMMENT ON COLUMN metrics.flight_price_levels.price_level IS
'low: below low_price; high: above high_price; usual: between them. Usual prices are the lowest of a
departure day, so only the cheapest offer of its departure day is compared; null for others, and while the
range is not known.';
