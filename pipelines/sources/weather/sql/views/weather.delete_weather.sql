CREATE OR REPLACE FUNCTION weather.delete_weather(place_id bigint)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM weather.observations WHERE observations.place_id = delete_weather.place_id;
    DELETE FROM weather.hourly WHERE hourly.place_id = delete_weather.place_id;
    DELETE FROM weather.fetch_state WHERE fetch_state.place_id = delete_weather.place_id;
    -- The request log of the old location must not delay the weather of the new one.
    UPDATE weather.api_requests
    SET outcome = 'superseded'
    WHERE
        api_requests.place_id = delete_weather.place_id
        AND api_requests.kind = 'observation'
        AND api_requests.outcome = 'success';
END
$$;

COMMENT ON FUNCTION weather.delete_weather(bigint) IS
'Deletes the stored weather of a place whose coordinates changed, so that it is requested again at
once: it belongs to the old location. Only the owner, the loader and the operator may call it.';
