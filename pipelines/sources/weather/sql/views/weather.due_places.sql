CREATE OR REPLACE FUNCTION weather.due_places(as_of timestamptz, by_postcode boolean)
RETURNS TABLE (place_id bigint, last_success_at timestamptz)
LANGUAGE sql
STABLE
AS $$
    SELECT
        places.place_id,
        refreshes.last_success_at
    FROM weather.places
    LEFT JOIN weather.refreshes
        ON places.place_id = refreshes.place_id AND refreshes.kind = 'observation'
    WHERE
        places.is_observed
        AND (
            places.latitude IS NOT NULL
            OR (by_postcode AND places.postcode IS NOT NULL AND places.country_code IS NOT NULL)
        )
        AND (
            refreshes.last_success_at IS NULL
            OR refreshes.last_success_at <= as_of - interval '2 hours'
            OR refreshes.last_success_at > as_of + interval '5 minutes'  -- a clock was wrong
        )
        AND (
            refreshes.claimed_until IS NULL
            OR refreshes.claimed_until <= as_of
            OR refreshes.claimed_until > as_of + interval '1 hour'  -- so was that of a killed run
        )
        AND (refreshes.retry_at IS NULL OR refreshes.retry_at <= as_of)
$$;

COMMENT ON FUNCTION weather.due_places(timestamptz, boolean) IS
'Places in use whose last weather is two hours old or more, or missing, and that may be asked for:
not claimed by a run, and not just failed. by_postcode: the provider needs no coordinates.';
