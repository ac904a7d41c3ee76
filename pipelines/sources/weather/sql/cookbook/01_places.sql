-- How is the weather at every place?
--
-- rows: 10
SELECT country_code, postcode, city, conditions, temperature_celsius, wind_kmh, delay_risk, observed_at
FROM weather.observations
INNER JOIN weather.places USING (place_id)
ORDER BY country_code, postcode
LIMIT %(rows)s;
