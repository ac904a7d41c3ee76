-- How is the weather at every place?
--
-- `delay_risk` is null if the weather is older than six hours, and of places of which only hours are requested.
--
-- rows: 10
SELECT place, country_code, used_by, conditions, temperature_celsius, wind_kmh, delay_risk, observed_at
FROM enriched.weather_places
ORDER BY country_code, place
LIMIT %(rows)s;
