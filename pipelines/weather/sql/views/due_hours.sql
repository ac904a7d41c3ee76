CREATE OR REPLACE FUNCTION weather.due_hours(
    as_of timestamptz, from_at timestamptz, to_at timestamptz, refresh_kind text
)
RETURNS TABLE (place_id bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE sql
STABLE
AS $$
    SELECT
        needed.place_id,
        needed.first_at,
        needed.last_at
    FROM (
        SELECT
            wanted_hours.place_id,
            min(wanted_hours.hour_at) AS first_at,
            max(wanted_hours.hour_at) AS last_at
        FROM weather.wanted_hours
        INNER JOIN weather.places USING (place_id)
        LEFT JOIN weather.hourly USING (place_id, hour_at)
        WHERE
            places.latitude IS NOT NULL
            AND wanted_hours.hour_at >= from_at
            AND wanted_hours.hour_at < to_at
            AND (
                hourly.hour_at IS NULL
                OR (
                    hourly.hour_at > hourly.fetched_at
                    AND hourly.fetched_at <= as_of - interval '6 hours'
                )
            )
        GROUP BY wanted_hours.place_id
    ) AS needed
    LEFT JOIN weather.refreshes
        ON needed.place_id = refreshes.place_id AND refreshes.kind = refresh_kind
    WHERE
        (
            refreshes.last_success_at IS NULL
            OR refreshes.last_success_at <= as_of - interval '3 hours'
        )
        AND (refreshes.claimed_until IS NULL OR refreshes.claimed_until <= as_of)
        AND (refreshes.retry_at IS NULL OR refreshes.retry_at <= as_of)
$$;

COMMENT ON FUNCTION weather.due_hours(timestamptz, timestamptz, timestamptz, text) IS
'Places for which a wanted hour between from_at and to_at is missing, or known from a forecast of six
hours ago or more, with the first and last such hour; only those that may be asked for.';
