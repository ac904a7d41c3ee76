-- Replaces the last observation of each staged place.
INSERT INTO weather.observations AS held ({columns})
SELECT {columns}
FROM stage_observations
ON CONFLICT (place_id) DO UPDATE SET {assignments}
