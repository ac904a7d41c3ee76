-- Note the weather that may delay parcels at some places.
UPDATE weather.observations
SET delay_risk = weather.delay_risk(wmo_code, wind_kmh, temperature_celsius)
WHERE place_id = ANY(:place_ids)
