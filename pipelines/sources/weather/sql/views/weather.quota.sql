CREATE OR REPLACE FUNCTION weather.quota(
    as_of timestamptz, provider text, key_digest text, requests_per_day bigint
)
RETURNS TABLE (
    requests_used double precision,
    history_stops_at double precision,
    reserve_ends_at timestamptz,
    blocked_until timestamptz,
    blocked_because text,
    requests_left double precision,
    history_requests_left double precision
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        spent.requests_used,
        reserve.history_stops_at,
        CASE WHEN quota.as_of < reserve.ends_at THEN reserve.ends_at END,
        blocks.blocked_until,
        blocks.reason,
        CASE
            WHEN blocks.blocked_until IS NULL
                THEN greatest(0, quota.requests_per_day - spent.requests_used)
            ELSE 0
        END,
        CASE
            WHEN blocks.blocked_until IS NULL
                THEN greatest(0, reserve.history_stops_at - spent.requests_used)
            ELSE 0
        END
    FROM (
        SELECT coalesce(sum(api_requests.cost), 0) AS requests_used
        FROM weather.api_requests
        WHERE
            api_requests.provider = quota.provider
            AND api_requests.key_digest = quota.key_digest
            AND api_requests.requested_at >= date_trunc('day', quota.as_of, 'UTC')
    ) AS spent
    CROSS JOIN (
        SELECT
            last_hours.begin_at AS ends_at,
            quota.requests_per_day * CASE WHEN quota.as_of < last_hours.begin_at THEN 0.8 ELSE 1 END
                AS history_stops_at
        FROM (SELECT date_trunc('day', quota.as_of, 'UTC') + interval '22 hours') AS last_hours (begin_at)
    ) AS reserve
    LEFT JOIN weather.quota_blocks AS blocks
        ON
            blocks.provider = quota.provider
            AND blocks.key_digest = quota.key_digest
            AND blocks.blocked_until > quota.as_of
$$;

COMMENT ON FUNCTION weather.quota(timestamptz, text, text, bigint) IS
'Returns the requests of a provider and key on the UTC day of as_of, of requests_per_day: how many
are used, and how many are left, for all and for history. History, which is hours of two days ago
and older, stops at four fifths of the day''s requests until 22:00 UTC (reserve_ends_at, null when
that is over), so that current weather has the last fifth. None are left before blocked_until,
for which the provider gave the reason blocked_because. Amounts are what requests cost by the
provider''s rules. The job weather goes by it, and metrics.weather_quotas shows it.
Example: SELECT * FROM weather.quota(as_of => now(), provider => ''open-meteo'', key_digest => '''', requests_per_day => 10000);';
