CREATE OR REPLACE VIEW solar.coverage AS
SELECT
    plants.plant_id,
    plants.name AS plant_name,
    calendar.day::date AS day,
    coalesce(days.status, 'not requested') AS status,
    coalesce(days.hours_present, 0) AS hours_present,
    coalesce(
        days.hours_expected,
        solar.hours_of_day(calendar.day::date, plants.time_zone)
    ) AS hours_expected,
    days.requested_at,
    days.problem,
    days.retry_at
FROM solar.plants
LEFT JOIN solar.syncs USING (plant_id)
CROSS JOIN LATERAL (
    SELECT
        (least(now(), plants.retired_at) AT TIME ZONE plants.time_zone)::date - 1 AS last_day,
        (SELECT min(oldest.day) FROM solar.days AS oldest WHERE oldest.plant_id = plants.plant_id)
            AS first_day
) AS known
CROSS JOIN LATERAL generate_series(
    least(known.first_day, syncs.history_from, known.last_day)::timestamp,
    known.last_day::timestamp,
    interval '1 day'
) AS calendar (day)
LEFT JOIN solar.days ON plants.plant_id = days.plant_id AND calendar.day::date = days.day;

COMMENT ON VIEW solar.coverage IS
'The state of each day of each plant. It covers the requested history until yesterday, or until the
day before the plant retired. Every day has a row, including days without data.';
COMMENT ON COLUMN solar.coverage.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN solar.coverage.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN solar.coverage.day IS 'The day, in the plant''s time zone.';
COMMENT ON COLUMN solar.coverage.status IS
'complete: every hour is stored; partial: some hours are missing or were rejected; empty: the
service responded that there is no data; failed: the service never responded; closed: incomplete, and
requested by hand alone; not requested: not
requested yet.';
COMMENT ON COLUMN solar.coverage.hours_present IS 'Number of stored hours.';
COMMENT ON COLUMN solar.coverage.hours_expected IS
'Hours of the day: 24, or 23 or 25 when clocks change.';
COMMENT ON COLUMN solar.coverage.problem IS
'Why the day is not complete: why the last request failed, or what the response lacked; null if
unknown. Of a complete day, how many hours of the night count as zero; null if none does.';
COMMENT ON COLUMN solar.coverage.requested_at IS
'When the day was last requested; null if it never was.';
COMMENT ON COLUMN solar.coverage.retry_at IS
'When the day is next requested automatically; null if it is not.';
