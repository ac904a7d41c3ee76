CREATE OR REPLACE VIEW metrics.parcels_by_day AS
WITH spans AS (
    SELECT
        status_class,
        began_on,
        CASE WHEN ended_on < 'infinity' THEN ended_on END AS ended_on,
        -- The first day at whose end the status is old enough.
        began_on + stale.days - is_at_midnight::integer AS silent_on,
        is_first,
        parcels
    FROM shipments.status_days
    CROSS JOIN LATERAL (
        SELECT (
            extract(EPOCH FROM coalesce(max(stale_after), interval '720 hours')) / 86400
        )::integer AS days
        FROM shipments.rules
    ) AS stale
),

changes AS (
    SELECT
        changed.day,
        sum(spans.parcels * changed.first_seen) AS first_seen,
        sum(spans.parcels * changed.delivered) AS delivered,
        sum(spans.parcels * changed.on_their_way) AS on_their_way,
        sum(spans.parcels * changed.silent) AS silent,
        sum(spans.parcels * changed.exceptions) AS exceptions
    FROM spans
    CROSS JOIN LATERAL (
        SELECT
            (status_class IN ('under_way', 'exception'))::integer AS is_open,
            (status_class = 'exception')::integer AS is_exception,
            coalesce(silent_on < ended_on, TRUE) AS gets_silent
    ) AS of_status
    CROSS JOIN LATERAL (
        VALUES
        (
            began_on, is_first::integer, (status_class = 'delivered')::integer, is_open, 0,
            is_exception
        ),
        (CASE WHEN gets_silent THEN silent_on END, 0, 0, -is_open, is_open, 0),
        (
            ended_on, 0, 0, CASE WHEN gets_silent THEN 0 ELSE -is_open END,
            CASE WHEN gets_silent THEN -is_open ELSE 0 END, -is_exception
        )
    ) AS changed (day, first_seen, delivered, on_their_way, silent, exceptions)
    WHERE changed.day IS NOT NULL
    GROUP BY changed.day
)

SELECT
    every.day::date AS day,
    coalesce(changes.first_seen, 0)::bigint AS first_seen,
    coalesce(changes.delivered, 0)::bigint AS delivered,
    coalesce(sum(changes.on_their_way) OVER until_then, 0)::bigint AS on_their_way,
    coalesce(sum(changes.silent) OVER until_then, 0)::bigint AS silent,
    coalesce(sum(changes.exceptions) OVER until_then, 0)::bigint AS exceptions
FROM generate_series(
    (SELECT min(began_on) FROM shipments.status_days)::timestamp,
    (now() AT TIME ZONE 'UTC')::date::timestamp,
    interval '1 day'
) AS every (day)
LEFT JOIN changes ON every.day::date = changes.day
WINDOW until_then AS (ORDER BY every.day);

COMMENT ON VIEW metrics.parcels_by_day IS
'Parcels by UTC day, one row each from the first file on, today included. It has how many were first seen
and delivered on the day, and how many were on their way, silent and with an exception at its end. Today is as
if nothing happened until its end. It reads counts that loads keep. A late file changes the days that
it is about.';
COMMENT ON COLUMN metrics.parcels_by_day.day IS 'UTC date.';
COMMENT ON COLUMN metrics.parcels_by_day.first_seen IS 'Parcels whose first file is of the day.';
COMMENT ON COLUMN metrics.parcels_by_day.delivered IS
'Parcels that a file of the day has delivered; one that was set back and delivered again counts again.';
COMMENT ON COLUMN metrics.parcels_by_day.on_their_way IS
'Parcels on their way at the end of the day: not ended, and not silent.';
COMMENT ON COLUMN metrics.parcels_by_day.silent IS
'Parcels at the end of the day that had not ended and whose status had not changed for
SHIPMENTS_STALE_DAYS (30).';
COMMENT ON COLUMN metrics.parcels_by_day.exceptions IS
'Parcels with an exception at the end of the day, silent ones included.';
