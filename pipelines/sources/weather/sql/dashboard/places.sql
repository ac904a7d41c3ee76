-- Places in use with their weather now, and the sources that request it. Where only hours are requested, as of airports, the
-- weather is that of the present hour, if it is stored.
SELECT
    place, used_by, country_code, conditions, temperature_celsius, wind_kmh, delay_risk, observed_at, problem,
    count(*) FILTER (WHERE delay_risk <> 'none') OVER () AS risk_rows,
    count(*) FILTER (WHERE is_without_weather) OVER () AS unknown_rows,
    count(*) OVER () AS total_rows
FROM enriched.weather_places
ORDER BY
    is_without_weather DESC,
    observed_at IS NOT NULL,
    array_position('{storm,freezing_rain,snow,heat,none}', delay_risk),
    place,
    place_key
LIMIT 200;
