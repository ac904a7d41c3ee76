-- Seven relations, so that a query can add one: with more than eight (join_collapse_limit),
-- PostgreSQL plans the joins of the view separately, for all legs. This is why places are read by
-- subqueries.
CREATE OR REPLACE VIEW enriched.itinerary_legs AS
SELECT
    itinerary_legs.itinerary_id,
    itinerary_legs.leg_number::integer AS leg_number,
    itinerary_legs.leg_id,
    legs.departure_airport,
    legs.arrival_airport,
    departure.city AS departure_city,
    arrival.city AS arrival_city,
    legs.departure_local,
    legs.arrival_local,
    legs.departure_at,
    legs.arrival_at,
    legs.stops,
    legs.airline_id,
    airlines.name AS airline_name,
    'https://logos.skyscnr.com/images/airlines/favicon/'
    || legs.airline_id || '.png' AS airline_logo_url,
    legs.duration_minutes,
    legs.elapsed_minutes,
    legs.layover_minutes,
    legs.time_verdict,
    departure_hour.temperature_celsius AS departure_temperature_celsius,
    departure_hour.conditions AS departure_conditions,
    departure_hour.wind_kmh AS departure_wind_kmh,
    CASE
        WHEN departure_hour.weather_source IS NOT NULL THEN departure_hour.weather_source
        WHEN legs.departure_at IS NULL THEN 'none: the instant is not known'
        WHEN legs.seen_until_at IS NOT NULL THEN 'none: no longer on offer'
        WHEN legs.departure_at >= date_trunc('day', now(), 'UTC') + interval '16 days'
            THEN 'none yet: beyond the forecast of 16 days'
        ELSE 'none yet: not received'
    END AS departure_weather_source,
    arrival_hour.temperature_celsius AS arrival_temperature_celsius,
    arrival_hour.conditions AS arrival_conditions,
    arrival_hour.wind_kmh AS arrival_wind_kmh,
    CASE
        WHEN arrival_hour.weather_source IS NOT NULL THEN arrival_hour.weather_source
        WHEN legs.arrival_at IS NULL THEN 'none: the instant is not known'
        WHEN legs.seen_until_at IS NOT NULL THEN 'none: no longer on offer'
        WHEN legs.arrival_at >= date_trunc('day', now(), 'UTC') + interval '16 days'
            THEN 'none yet: beyond the forecast of 16 days'
        ELSE 'none yet: not received'
    END AS arrival_weather_source,
    coalesce(departure.served_city, legs.departure_airport) AS from_city,
    coalesce(arrival.served_city, legs.arrival_airport) AS to_city
FROM flights.itinerary_legs
INNER JOIN flights.legs
    ON itinerary_legs.leg_id = legs.leg_id AND itinerary_legs.leg_seen_from_at = legs.seen_from_at
LEFT JOIN LATERAL (
    SELECT named.name
    FROM flights.airlines AS named
    WHERE named.airline_id = legs.airline_id
    ORDER BY named.seen_from_at DESC
    LIMIT 1
) AS airlines ON TRUE
LEFT JOIN flights.airports AS departure ON legs.departure_airport = departure.airport_code
LEFT JOIN flights.airports AS arrival ON legs.arrival_airport = arrival.airport_code
LEFT JOIN weather.hourly AS departure_hour
    ON departure_hour.place_id = (
        SELECT places.place_id FROM weather.places WHERE places.place_key = departure.place_key
    )
    AND departure_hour.hour_at = date_trunc('hour', legs.departure_at, 'UTC')
LEFT JOIN weather.hourly AS arrival_hour
    ON arrival_hour.place_id = (
        SELECT places.place_id FROM weather.places WHERE places.place_key = arrival.place_key
    )
    AND arrival_hour.hour_at = date_trunc('hour', legs.arrival_at, 'UTC');

COMMENT ON VIEW enriched.itinerary_legs IS
'The legs of every itinerary in order, as last accepted: airports, airline, times and
weather. Weather data by Open-Meteo.com (CC BY 4.0).';
COMMENT ON COLUMN enriched.itinerary_legs.itinerary_id IS 'The itinerary.';
COMMENT ON COLUMN enriched.itinerary_legs.leg_number IS 'Position in the itinerary, from 1.';
COMMENT ON COLUMN enriched.itinerary_legs.leg_id IS
'Leg id in the source; several itineraries can share a leg.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_airport IS 'IATA code.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_airport IS 'IATA code.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_city IS
'City where the airport of departure is; null if the airport is unknown. Better: from_city.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_city IS
'City where the airport of arrival is; null if the airport is unknown. Better: to_city.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_local IS 'Departure in local time, as sent.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_local IS 'Arrival in local time, as sent.';
COMMENT ON COLUMN enriched.itinerary_legs.airline_id IS
'Airline code of the source; not the IATA code.';
COMMENT ON COLUMN enriched.itinerary_legs.airline_name IS 'Name of the airline.';
COMMENT ON COLUMN enriched.itinerary_legs.airline_logo_url IS 'URL of a small logo of the airline.';
COMMENT ON COLUMN enriched.itinerary_legs.layover_minutes IS
'Elapsed minus stated minutes, for legs with stops; null for direct legs and if the times are not
plausible.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_temperature_celsius IS
'Air temperature at the departure airport in the hour of departure, °C; null if departure_weather_source
says why.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_conditions IS
'Weather at the departure airport in the hour of departure, in words; null like the temperature.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_wind_kmh IS
'Wind at the departure airport in the hour of departure, km/h; null like the temperature.';
COMMENT ON COLUMN enriched.itinerary_legs.departure_weather_source IS
'forecast (the forecast API, for future and recent hours), archive (older hours), or the reason why
there is no weather.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_temperature_celsius IS
'Air temperature at the arrival airport in the hour of arrival, °C; null if arrival_weather_source
says why.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_conditions IS
'Weather at the arrival airport in the hour of arrival, in words; null like the temperature.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_wind_kmh IS
'Wind at the arrival airport in the hour of arrival, km/h; null like the temperature.';
COMMENT ON COLUMN enriched.itinerary_legs.arrival_weather_source IS
'forecast (the forecast API, for future and recent hours), archive (older hours), or the reason why
there is no weather.';
COMMENT ON COLUMN enriched.itinerary_legs.from_city IS
'City and country that the airport of departure serves, such as Toronto, CA; its code if it is unknown.';
COMMENT ON COLUMN enriched.itinerary_legs.to_city IS
'City and country that the airport of arrival serves; its code if it is unknown.';
