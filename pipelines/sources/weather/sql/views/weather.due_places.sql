CREATE OR REPLACE FUNCTION weather.due_places(as_of timestamptz, by_postcode boolean)
RETURNS TABLE (place_id bigint, last_success_at timestamptz)
LANGUAGE sql
STABLE
AS $$
    SELECT places.place_id, fetch_state.last_success_at
    FROM weather.places
    LEFT JOIN weather.fetch_state
        ON places.place_id = fetch_state.place_id AND fetch_state.kind = 'observation'
    WHERE
        places.is_observed
        AND (
            places.latitude IS NOT NULL
            OR (by_postcode AND places.postcode IS NOT NULL AND places.country_code IS NOT NULL)
        )
        AND (
            fetch_state.last_success_at IS NULL
            OR fetch_state.last_success_at <= as_of - interval '2 hours'
            OR fetch_state.last_success_at > as_of + interval '5 minutes'  -- a clock was wrong
        )
        AND (fetch_state.retry_at IS NULL OR fetch_state.retry_at <= as_of)
        -- Even if someone deleted the state by hand or a clock was wrong, the request log has the
        -- last success: its constraint api_requests_one_kept_observation would reject the response.
        AND NOT EXISTS (
            SELECT FROM weather.api_requests
            WHERE
                api_requests.place_id = places.place_id
                AND api_requests.kind = 'observation'
                AND api_requests.outcome = 'success'
                AND api_requests.requested_at > as_of - interval '2 hours'
                AND api_requests.requested_at < as_of + interval '2 hours'
        )
$$;

COMMENT ON FUNCTION weather.due_places(timestamptz, boolean) IS
'Returns places in use whose last weather is missing or at least two hours old and that may be
requested now. Places that failed are left out until their retry time. by_postcode is true if the
provider needs no coordinates.';
