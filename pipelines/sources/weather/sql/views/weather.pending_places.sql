CREATE OR REPLACE FUNCTION weather.pending_places(as_of timestamptz)
RETURNS TABLE (place_id bigint)
LANGUAGE sql
STABLE
AS $$
    SELECT places.place_id
    FROM weather.places
    LEFT JOIN weather.fetch_state
        ON places.place_id = fetch_state.place_id AND fetch_state.kind = 'geocoding'
    WHERE
        places.geocoding_status = 'pending'
        AND places.country_code IS NOT NULL
        AND (places.postcode IS NOT NULL OR places.city IS NOT NULL)
        AND (
            places.is_observed
            OR EXISTS (
                SELECT FROM weather.requested_places AS requests
                WHERE requests.place_key = places.place_key
            )
        )
        AND (fetch_state.retry_at IS NULL OR fetch_state.retry_at <= as_of)
$$;

COMMENT ON FUNCTION weather.pending_places(timestamptz) IS
'Returns pending places that a source requests and whose coordinates are due to be looked up. Places
that failed are left out until their retry time.';
