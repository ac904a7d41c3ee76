-- What goes on within 50 km of each hotel: nights, parcels, flights?
--
-- Domains are joined by place and not by the name of a city, which each source writes in its own way. `nights` are the hotel's own.
--
-- as_of: 2026-11-02 12:00+00 | now
-- from: 2026-11-02 | today
-- to: 2026-11-16 | today + 14
-- currency: GBP
SELECT hotel_name, hotels.city, books.nights, parcels.to_come, trips.offers, trips.from_price
FROM enriched.hotels
CROSS JOIN LATERAL (
    SELECT sum(on_the_books) AS nights
    FROM metrics.hotel_on_the_books(hotels.hotel_id, %(as_of)s, %(from)s, %(to)s)
) AS books
CROSS JOIN LATERAL (
    SELECT count(*) AS to_come
    FROM enriched.shipments
    WHERE is_on_its_way
        AND weather.distance_km(hotels.latitude, hotels.longitude, receiver_latitude, receiver_longitude) < 50
) AS parcels
CROSS JOIN LATERAL (
    SELECT count(*) AS offers, min(price_amount) AS from_price
    FROM enriched.itineraries
    INNER JOIN enriched.airports ON destination_airport = airport_code
    WHERE on_offer
        AND price_currency = %(currency)s
        AND weather.distance_km(hotels.latitude, hotels.longitude, airports.latitude, airports.longitude) < 50
) AS trips
WHERE hotels.latitude IS NOT NULL
ORDER BY hotel_name;
