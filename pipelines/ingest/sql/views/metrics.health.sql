-- Work: linear, 400 buffers
CREATE OR REPLACE VIEW metrics.health AS
SELECT
    'late' AS problem,
    'error' AS severity,
    source,
    source AS subject,
    'It was not checked for new data in time; the last check was at '
    || to_char(last_checked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC.' AS what,
    due_at AS began_at,
    'See why its runs fail, or whether isobar ui runs.' AS remedy
FROM metrics.freshness
WHERE is_late AND kind = 'source'
UNION ALL
SELECT
    'quiet',
    'warning',
    source,
    feed,
    'The feed ' || feed || ' has delivered nothing for ' || round(silent_hours)
    || ' hours; its longest silence within 60 days before was ' || round(longest_silence_hours)
    || ' hours.',
    last_delivery_at,
    'Ask the sender.'
FROM ops.feeds
WHERE is_quiet
UNION ALL
SELECT
    'quarantine',
    'warning',
    source,
    feed,
    'Rejected records of the feed ' || feed || ' are in quarantine: ' || in_quarantine || '.',
    oldest_reject_at,
    'isobar quarantine show ' || feed
FROM ops.feeds
WHERE in_quarantine > 0
UNION ALL
SELECT
    'rejected file',
    'warning',
    source,
    name,
    'The file ' || name || ' was rejected: ' || problem,
    looked_at,
    'Correct or remove the file.'
FROM ops.inbox_files
WHERE problem IS NOT NULL
UNION ALL
SELECT
    'failing view',
    'error',
    source,
    view_name,
    'The view ' || view_name || ' fails, so nothing of it is used: ' || problem,
    first_failed_at,
    'Correct the view, and apply it with isobar migrate; otherwise it is tried again every hour.'
FROM ops.failing_views;

COMMENT ON VIEW metrics.health IS
'What is wrong with the data and needs somebody, one row each; no row: nothing that the database
knows of. Failed runs and checks are Dagster''s, and isobar status lists them, too.';
COMMENT ON COLUMN metrics.health.problem IS
'late: a source was not checked in time; quiet: a feed is silent for longer than usual; quarantine:
records were rejected; rejected file: a whole file was; failing view: what a source offers to others
cannot be read.';
COMMENT ON COLUMN metrics.health.severity IS 'error or warning.';
COMMENT ON COLUMN metrics.health.source IS 'The source.';
COMMENT ON COLUMN metrics.health.subject IS
'What it is about: the source, its feed as in ops.deliveries, the file, or the view.';
COMMENT ON COLUMN metrics.health.what IS 'What is wrong, in words.';
COMMENT ON COLUMN metrics.health.began_at IS 'Since when.';
COMMENT ON COLUMN metrics.health.remedy IS 'What to do about it.';
