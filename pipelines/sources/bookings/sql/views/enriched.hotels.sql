CREATE OR REPLACE VIEW enriched.hotels AS
SELECT
    counted.hotel_id,
    hotels.name AS hotel_name,
    hotels.city, hotels.rooms, hotels.country_code, hotels.latitude, hotels.longitude,
    observations.temperature_celsius, observations.conditions,
    observations.observed_at AS weather_observed_at,
    hotels.time_zone,
    bookings.business_day(now(), hotels.time_zone, hotels.day_begins) AS business_day,
    bookings.business_day(books.first_event_at, books.time_zone, books.day_begins) AS first_day
FROM bookings.counted_hotels() AS counted
LEFT JOIN bookings.hotels USING (hotel_id)
LEFT JOIN bookings.books USING (hotel_id)
LEFT JOIN weather.places USING (place_key)
LEFT JOIN weather.observations USING (place_id);

COMMENT ON VIEW enriched.hotels IS
'Every hotel with events, one row each, and the weather there. Operators enter name, place, rooms and
time zone in bookings.hotels. Weather data by Open-Meteo.com (CC BY 4.0) unless weather.observations
names another provider.';
COMMENT ON COLUMN enriched.hotels.hotel_name IS 'Name of the hotel; null if not entered.';
COMMENT ON COLUMN enriched.hotels.latitude IS 'Latitude, degrees north; null if not entered.';
COMMENT ON COLUMN enriched.hotels.temperature_celsius IS
'Current air temperature, °C; null until known.';
COMMENT ON COLUMN enriched.hotels.conditions IS 'Current weather, in words; null until known.';
COMMENT ON COLUMN enriched.hotels.weather_observed_at IS 'Time of the weather; null until known.';
COMMENT ON COLUMN enriched.hotels.time_zone IS
'Time zone by which its days are cut; null if not entered: then they are those of UTC.';
COMMENT ON COLUMN enriched.hotels.business_day IS
'Business day of the hotel now: whoever arrives now stays this night. The day before is the last one
that is closed.';
COMMENT ON COLUMN enriched.hotels.first_day IS
'Business day of its first event: nothing is known of the days before it.';
