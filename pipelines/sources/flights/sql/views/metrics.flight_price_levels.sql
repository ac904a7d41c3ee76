-- OFFSET 0 keeps the subqueries apart. An index then finds the few rows for the cities and the week of an offer,
-- and Memoize computes their usual prices once for all offers that have them: its key is the row of sought.
CREATE OR REPLACE VIEW metrics.flight_price_levels AS
SELECT
    offers.itinerary_id, usual.low_price, usual.typical_price, usual.high_price,
    CASE
        WHEN usual.low_price IS NULL OR offers.price_amount > cheapest.lowest_price THEN NULL
        WHEN offers.price_amount < usual.low_price THEN 'low'
        WHEN offers.price_amount > usual.high_price THEN 'high'
        ELSE 'usual'
    END AS price_level
FROM enriched.itineraries AS offers
CROSS JOIN LATERAL (
    SELECT
        offers.from_city, offers.to_city, offers.trip,
        floor(extract(EPOCH FROM offers.departs_at - now()) / 604800)::smallint AS weeks_before_departure
    OFFSET 0
) AS sought
LEFT JOIN LATERAL (
    SELECT min(kept.lowest_price) AS lowest_price
    FROM flights.lowest_prices AS kept
    WHERE kept.from_city = sought.from_city
        AND kept.to_city = sought.to_city
        AND kept.trip = sought.trip
        AND kept.price_currency = offers.price_currency
        AND kept.weeks_before_departure
        IN (sought.weeks_before_departure, sought.weeks_before_departure + 1::smallint)
        AND kept.snapshot_at = (SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded)
        AND kept.departure_on = offers.departure_on
) AS cheapest ON TRUE
LEFT JOIN LATERAL (
    SELECT low_price, typical_price, high_price
    FROM metrics.flight_usual_prices AS usual
    WHERE usual.from_city = sought.from_city
        AND usual.to_city = sought.to_city
        AND usual.trip = sought.trip
        AND usual.price_currency = offers.price_currency
        AND usual.weeks_before_departure = sought.weeks_before_departure
    OFFSET 0
) AS usual ON TRUE
WHERE offers.on_offer AND sought.trip <> 'other';

COMMENT ON VIEW metrics.flight_price_levels IS
'Whether the offers that can be had now are low, usual or high for their cities. One row per one-way or round
trip on offer, with the usual range of its cities, kind of trip, currency and weeks before departure
(metrics.flight_usual_prices).';
COMMENT ON COLUMN metrics.flight_price_levels.price_level IS
'low: below low_price; high: above high_price; usual: between them. Usual prices are the lowest of a
departure day, so only the cheapest offer of its departure day in the newest snapshot is compared; null
for others, and while the range is not known.';
