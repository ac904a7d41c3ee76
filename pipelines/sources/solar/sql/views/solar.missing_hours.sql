CREATE OR REPLACE VIEW solar.missing_hours AS
SELECT
    days.plant_id,
    plants.name AS plant_name,
    days.day,
    hours.read_at,
    hours.read_at AT TIME ZONE plants.time_zone AS read_local,
    days.problem
FROM solar.days
INNER JOIN solar.plants USING (plant_id)
CROSS JOIN LATERAL generate_series(
    solar.day_begins(days.day, plants.time_zone),
    solar.day_begins(days.day + 1, plants.time_zone) - interval '1 hour',
    interval '1 hour'
) AS hours (read_at)
WHERE
    days.status IN ('partial', 'closed')
    AND NOT EXISTS (
        SELECT FROM solar.readings
        WHERE readings.plant_id = days.plant_id AND readings.read_at = hours.read_at
    );

COMMENT ON VIEW solar.missing_hours IS
'Each hour that lacks a reading, of days that are partly there or were closed. Other days without a reading are in solar.gaps.';
COMMENT ON COLUMN solar.missing_hours.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN solar.missing_hours.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN solar.missing_hours.day IS 'The day, in the plant''s time zone.';
COMMENT ON COLUMN solar.missing_hours.read_at IS 'Begin of the hour.';
COMMENT ON COLUMN solar.missing_hours.read_local IS 'Begin of the hour, in the plant''s time zone.';
COMMENT ON COLUMN solar.missing_hours.problem IS 'What the response lacked; null if unknown.';
