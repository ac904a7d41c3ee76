-- What the tables know to be wrong with the data.
WITH feeds AS MATERIALIZED (SELECT * FROM ops.feeds)

SELECT
    'freshness:' || source AS key,
    'error' AS severity,
    source,
    'It was not checked for new data in time; the last check was at '
    || to_char(last_checked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC.' AS what,
    'source ' || source AS place,
    due_at AS since,
    'See whether its schedule or sensor is on, whether its runs fail, and whether isobar ui runs.'
        AS remedy
FROM metrics.freshness
WHERE is_late AND kind = 'source'
UNION ALL
SELECT
    'quiet:' || feed,
    'warning',
    source,
    'The feed ' || feed || ' has delivered nothing for ' || round(silent_hours)
    || ' hours; its longest silence within 60 days before was ' || round(longest_silence_hours)
    || ' hours.',
    'feed ' || feed,
    last_delivery_at,
    'Ask the sender.'
FROM feeds
WHERE is_quiet
UNION ALL
SELECT
    'quarantine:' || feed,
    'warning',
    source,
    'Rejected records of the feed ' || feed || ' are in quarantine: ' || in_quarantine || '.',
    'feed ' || feed,
    oldest_reject_at,
    'isobar quarantine show ' || feed
FROM feeds
WHERE in_quarantine > 0
