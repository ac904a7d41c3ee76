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
        )::integer AS run
    FROM solar.coverage
    INNER JOIN solar.plants USING (plant_id)
    WHERE retired_at IS NULL AND status IN ('partial', 'failed', 'not requested')
) AS missing
GROUP BY plant_id, plant_name, status, run;

COMMENT ON VIEW solar.gaps IS
'What is missing of plants in service: runs of days that are not complete and that the service did not
report as empty.';
COMMENT ON COLUMN solar.gaps.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN solar.gaps.plant_name IS 'Its name.';
COMMENT ON COLUMN solar.gaps.status IS 'partial, failed or not requested, as in solar.coverage.';
COMMENT ON COLUMN solar.gaps.first_day IS 'The first day, in the plant''s zone.';
COMMENT ON COLUMN solar.gaps.last_day IS 'The last day, included.';
COMMENT ON COLUMN solar.gaps.days IS 'How many days.';
COMMENT ON COLUMN solar.gaps.hours_missing IS 'How many hours are missing of them.';
COMMENT ON COLUMN solar.gaps.problem IS 'Why they are not complete: why the service''s last answer did not come, or what it lacked.';
COMMENT ON COLUMN solar.gaps.retry_at IS 'When the first of them is requested again automatically; days not requested yet come with the syncs to come.';
