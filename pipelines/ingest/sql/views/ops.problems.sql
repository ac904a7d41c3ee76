CREATE OR REPLACE VIEW ops.problems AS
SELECT
    found.key,
    found.severity,
    found.source,
    found.what,
    found."where" AS place,
    found.since AS began_at,
    found.remedy,
    found.path AS page,
    last_look.looked_at,
    found."rows" AS found_rows
FROM ops.last_look
CROSS JOIN LATERAL
    jsonb_to_recordset(last_look.problems) AS found (
        key text,
        severity text,
        source text,
        what text,
        "where" text,
        since timestamptz,
        remedy text,
        path text,
        "rows" jsonb
    )
UNION ALL
SELECT
    'status:look',
    CASE WHEN is_by_daemon THEN 'error' ELSE 'warning' END,
    NULL,
    'Nobody has looked for problems since '
    || to_char(looked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
    || ' UTC: schedules and sensors start no runs, and what is below is of then.',
    'sensor alerts',
    looked_at,
    'Start isobar ui, or switch on the sensor alerts in the UI, under Automation.',
    '',
    looked_at,
    '[]'
FROM ops.last_look
WHERE looked_at < now() - interval '5 minutes';

COMMENT ON VIEW ops.problems IS
'What was wrong when it was last looked, one row each: failed runs and checks, late and quiet
sources, rejected records and files, sensors and schedules, the daemon. The daemon looks each minute;
that nobody looks any more is a row, too.';
COMMENT ON COLUMN ops.problems.key IS
'What it is, while it lasts: its kind, a colon, and the job, check, feed, file or view.';
COMMENT ON COLUMN ops.problems.severity IS 'error or warning.';
COMMENT ON COLUMN ops.problems.source IS 'The source that it is about; null if it is about none.';
COMMENT ON COLUMN ops.problems.what IS 'What is wrong, in words.';
COMMENT ON COLUMN ops.problems.place IS 'The job, check, sensor, feed, file or view.';
COMMENT ON COLUMN ops.problems.began_at IS 'Since when, or when it was first seen.';
COMMENT ON COLUMN ops.problems.remedy IS 'What to do about it.';
COMMENT ON COLUMN ops.problems.page IS
'The path of its page in the Dagster UI; empty if it has none.';
COMMENT ON COLUMN ops.problems.looked_at IS 'When it was looked.';
COMMENT ON COLUMN ops.problems.found_rows IS
'The first rows that a failed check found, as a JSON array; empty for other problems.';
