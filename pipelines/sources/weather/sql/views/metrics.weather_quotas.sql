CREATE OR REPLACE VIEW metrics.weather_quotas AS
SELECT
    quotas.provider,
    quotas.key_digest,
    ceil(today.requests_used)::bigint AS requests_used,
    quotas.requests_per_day,
    stops.history_stops_at,
    today.blocked_until,
    concat_ws(
        '; ',
        format(
            '%s of %s requests used today (UTC)',
            to_char(ceil(today.requests_used), 'FM999,999,999,990'),
            to_char(quotas.requests_per_day, 'FM999,999,999,990')
        ),
        CASE
            WHEN stops.history_stops_at < quotas.requests_per_day
                THEN format(
                    'history %s at %s until %s UTC',
                    CASE WHEN today.requests_used < stops.history_stops_at THEN 'stops' ELSE 'stopped' END,
                    to_char(stops.history_stops_at, 'FM999,999,999,990'),
                    to_char(today.reserve_ends_at AT TIME ZONE 'UTC', 'HH24:MI')
                )
        END,
        'paused until ' || to_char(today.blocked_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
    ) AS summary
FROM weather.quotas
CROSS JOIN
    LATERAL weather.quota(now(), quotas.provider, quotas.key_digest, quotas.requests_per_day)
        AS today
CROSS JOIN LATERAL (
    -- Hours are always from Open-Meteo.
    SELECT
        CASE WHEN quotas.provider = 'open-meteo' THEN floor(today.history_stops_at)::bigint END
            AS history_stops_at
) AS stops
-- Not a day ago: while a quota is blocked, there may be no run for a month.
WHERE quotas.used_at > (SELECT max(latest.used_at) FROM weather.quotas AS latest) - interval '1 day';

COMMENT ON VIEW metrics.weather_quotas IS
'Requests of today (UTC) against the daily limit, one row per weather service and API key. It has those
that the job weather used within a day before its last run. weather.api_requests has the single requests.';
COMMENT ON COLUMN metrics.weather_quotas.requests_used IS
'Requests of the day, weighted as the provider counts them, rounded up. Those without a response
count.';
COMMENT ON COLUMN metrics.weather_quotas.history_stops_at IS
'Hours of two days ago and older are requested only below this many requests: four fifths of
requests_per_day until 22:00 UTC, then all of them. Null for services that have no hours.';
COMMENT ON COLUMN metrics.weather_quotas.blocked_until IS
'No request is sent before, as the provider says that a quota is used up; null if it does not.';
COMMENT ON COLUMN metrics.weather_quotas.summary IS
'The other columns in words, as the page Weather and isobar status show them.';
