-- Writes the staged hours of places over those that are known.
INSERT INTO weather.hourly AS held ({columns})
SELECT {columns}
FROM stage_hourly
ON CONFLICT (place_id, hour_at) DO UPDATE SET {assignments}
