-- Places in use with their weather now, and the sources that request it. Where only hours are requested, as of airports, the
-- weather is that of the present hour, if it is stored.
WITH used AS (
    SELECT place_key, min(city) AS name, array_agg(DISTINCT source ORDER BY source) AS used_by
    FROM weather.requested_places
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
