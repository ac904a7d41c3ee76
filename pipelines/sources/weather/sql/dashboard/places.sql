-- Places in use with their weather now, and what depends on each. Where only hours are requested, as of airports, the
-- weather is that of the present hour, if it is stored.
-- Work: linear, 8,000 buffers
WITH uses AS (
    SELECT airports.place_key, airports.city || ' (' || airport_code || ')' AS name, 'flight offers: ' || trips.offers AS used_by
    FROM (
        SELECT airport_code, count(*) AS offers
        FROM flights.itineraries
        CROSS JOIN LATERAL (VALUES (origin_airport), (destination_airport)) AS ends (airport_code)
        WHERE withdrawn_at IS NULL
        GROUP BY airport_code
    ) AS trips
    INNER JOIN flights.airports USING (airport_code)
    UNION ALL
    SELECT place_key, NULL, 'parcels on their way: ' || count(*)
    FROM shipments.shipments
    CROSS JOIN LATERAL (VALUES (sender_address), (receiver_address)) AS ends (address)
    INNER JOIN shipments.addresses USING (address)
    WHERE status <> 'delivery'
    GROUP BY place_key
    UNION ALL
    SELECT place_key, name, 'solar plant ' || name FROM solar.plants WHERE retired_at IS NULL
    UNION ALL
    SELECT place_key, city, 'hotel ' || name FROM bookings.hotels
    UNION ALL
    SELECT DISTINCT place_key, city, source
    FROM weather.weather_requests
    WHERE source NOT IN ('flights', 'shipments', 'solar', 'bookings') AND (latitude IS NOT NULL OR country_code IS NOT NULL)
),

used AS (
    SELECT place_key, min(name) AS name, array_agg(used_by ORDER BY used_by) AS used_by
    FROM uses
    GROUP BY place_key
)

SELECT
    coalesce(places.city, used.name, places.place_key) AS place,
    used.used_by,
    places.country_code,
    coalesce(observations.conditions, hourly.conditions) AS conditions,
    coalesce(observations.temperature_celsius, hourly.temperature_celsius) AS temperature_celsius,
    coalesce(observations.wind_kmh, hourly.wind_kmh) AS wind_kmh,
    observations.delay_risk,
    coalesce(observations.observed_at, hourly.hour_at) AS observed_at,
    CASE WHEN places.is_observed THEN coalesce(places.geocoding_problem, states.problem) END AS problem,
    count(*) FILTER (WHERE observations.delay_risk <> 'none') OVER () AS risk_rows,
    count(*) FILTER (WHERE places.is_observed AND observations.place_id IS NULL) OVER () AS unknown_rows,
    count(*) OVER () AS total_rows
FROM used
INNER JOIN weather.places USING (place_key)
LEFT JOIN weather.observations USING (place_id)
LEFT JOIN weather.hourly ON places.place_id = hourly.place_id AND hourly.hour_at = date_trunc('hour', now(), 'UTC')
LEFT JOIN weather.fetch_state AS states ON places.place_id = states.place_id AND states.kind = 'observation'
ORDER BY
    coalesce(observations.place_id, hourly.place_id) IS NOT NULL,
    array_position('{storm,freezing_rain,snow,heat,none}', observations.delay_risk),
    place,
    places.place_id
LIMIT 200;
