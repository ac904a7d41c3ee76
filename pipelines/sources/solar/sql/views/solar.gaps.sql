CREATE OR REPLACE VIEW solar.gaps AS
SELECT
    plant_id,
    plant_name,
    status,
    min(day) AS first_day,
    max(day) AS last_day,
    count(*) AS days,
    sum(hours_expected - hours_present) AS hours_missing,
    (array_agg(problem ORDER BY requested_at DESC NULLS LAST))[1] AS problem,
    min(retry_at) AS retry_at
FROM (
    SELECT
        coverage.*,
        coverage.day - (
            row_number() OVER (PARTITION BY plant_id, status ORDER BY day)
        )::integer AS run,
        min(coverage.day) FILTER (WHERE hours_present > 0) OVER (PARTITION BY plant_id) AS begins_on
    FROM solar.coverage
    INNER JOIN solar.plants USING (plant_id)
    WHERE retired_at IS NULL
) AS missing
WHERE
    status IN ('partial', 'failed', 'closed', 'not requested')
    OR (status = 'empty' AND day > begins_on)
GROUP BY plant_id, plant_name, status, run;

COMMENT ON VIEW solar.gaps IS
'Missing data of plants in service: runs of consecutive days with the same status. Of days that the
service reported as empty, those after the first day with data are included.';
COMMENT ON COLUMN solar.gaps.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN solar.gaps.status IS 'partial, failed, empty, closed or not requested, as in solar.coverage.';
COMMENT ON COLUMN solar.gaps.first_day IS 'First day, in the plant''s time zone.';
COMMENT ON COLUMN solar.gaps.last_day IS 'Last day, inclusive.';
COMMENT ON COLUMN solar.gaps.days IS 'Number of days.';
COMMENT ON COLUMN solar.gaps.hours_missing IS 'Number of missing hours in these days.';
COMMENT ON COLUMN solar.gaps.problem IS
'Why the days are not complete: why the last request failed, or what the response lacked; null
for days that were not requested.';
COMMENT ON COLUMN solar.gaps.retry_at IS
'When the first of these days is next requested automatically; null if none is. Days not requested yet
are requested by later syncs.';
