-- Records that a request for a window failed: its days are retried with exponential backoff.
INSERT INTO solar.days AS stored (
    plant_id, day, status, hours_expected, hours_present, requested_at, failures, problem, retry_at
)
SELECT
    :plant_id,
    starts::date,
    'failed',
    solar.hours_of_day(starts::date, :zone),
    0,
    :now,
    1,
    :problem,
    :now + interval '10 minutes'
FROM generate_series(
    CAST(:first AS timestamp), CAST(:end AS timestamp) - interval '1 day', interval '1 day'
) AS starts
WHERE solar.hours_of_day(starts::date, :zone) > 0  -- zones have skipped whole days
ON CONFLICT (plant_id, day) DO UPDATE SET
    requested_at = excluded.requested_at,
    failures = stored.failures + (stored.status = 'failed')::integer,
    problem = excluded.problem,
    retry_at = excluded.requested_at
    + least(interval '10 minutes' * power(2, least(stored.failures, 9)), interval '1 day')
WHERE stored.status NOT IN ('complete', 'closed')
