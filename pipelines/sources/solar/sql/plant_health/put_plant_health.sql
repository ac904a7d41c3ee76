-- Writes the health of the evaluated plants, except plants that were deleted in the meantime.
INSERT INTO metrics.solar_plant_health (
    plant_id,
    day,
    performance_ratio_7_days,
    performance_ratio_30_days,
    availability_7_days,
    availability_30_days,
    longest_gap_hours,
    night_hours,
    flat_hours,
    over_limit_hours,
    sensor_issues,
    requested_at,
    computed_at,
    plant_name
)
SELECT
    plant_id,
    staged.day,
    staged.performance_ratio_7_days,
    staged.performance_ratio_30_days,
    staged.availability_7_days,
    staged.availability_30_days,
    staged.longest_gap_hours,
    staged.night_hours,
    staged.flat_hours,
    staged.over_limit_hours,
    staged.sensor_issues,
    staged.requested_at,
    :now,
    plants.name
FROM stage_solar_plant_health AS staged
INNER JOIN solar.plants USING (plant_id)
FOR KEY SHARE OF plants
ON CONFLICT (plant_id) DO UPDATE SET
    day = excluded.day,
    performance_ratio_7_days = excluded.performance_ratio_7_days,
    performance_ratio_30_days = excluded.performance_ratio_30_days,
    availability_7_days = excluded.availability_7_days,
    availability_30_days = excluded.availability_30_days,
    longest_gap_hours = excluded.longest_gap_hours,
    night_hours = excluded.night_hours,
    flat_hours = excluded.flat_hours,
    over_limit_hours = excluded.over_limit_hours,
    sensor_issues = excluded.sensor_issues,
    requested_at = excluded.requested_at,
    computed_at = excluded.computed_at
