CREATE OR REPLACE FUNCTION weather.due_hours(
    as_of timestamptz, from_at timestamptz, to_at timestamptz, fetch_kind text
)
RETURNS TABLE (place_id bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE sql
STABLE
AS $$
    SELECT wanted.place_id, needed.first_at, needed.last_at
    FROM (
        SELECT wanted_hours.place_id, array_agg(wanted_hours.hour_at) AS hours
        FROM weather.wanted_hours
        WHERE
            wanted_hours.hour_at >= from_at
            AND wanted_hours.hour_at < to_at
            AND wanted_hours.day >= (from_at AT TIME ZONE 'UTC')::date - 1
            AND wanted_hours.day <= (to_at AT TIME ZONE 'UTC')::date + 1
        GROUP BY wanted_hours.place_id
    ) AS wanted
    INNER JOIN weather.places ON wanted.place_id = places.place_id
    LEFT JOIN weather.fetch_state
        ON wanted.place_id = fetch_state.place_id AND fetch_state.kind = fetch_kind
    CROSS JOIN LATERAL (
        SELECT min(lacking.hour_at) AS first_at, max(lacking.hour_at) AS last_at
        FROM (
            SELECT unnest(wanted.hours) AS hour_at
            EXCEPT
            SELECT hourly.hour_at
            FROM weather.hourly
            WHERE
                hourly.place_id = wanted.place_id
                AND hourly.hour_at = ANY(wanted.hours)
                AND NOT (
                    hourly.hour_at > hourly.fetched_at
                    AND hourly.fetched_at <= as_of - interval '6 hours'
                )
        ) AS lacking
    ) AS needed
    WHERE
        needed.first_at IS NOT NULL
        AND places.latitude IS NOT NULL
        AND (
            fetch_state.last_success_at IS NULL
            OR fetch_state.last_success_at <= as_of - interval '3 hours'
        )
        AND (fetch_state.retry_at IS NULL OR fetch_state.retry_at <= as_of)
$$;

COMMENT ON FUNCTION weather.due_hours(timestamptz, timestamptz, timestamptz, text) IS
'Returns places with due hours, and the first and last due hour of each. An hour between from_at and
to_at is due if a source requests it and it is missing, or known only from a forecast at least six
hours old. Only places that may be requested now are returned. fetch_kind is forecast or archive, as
in weather.fetch_state.';
