CREATE OR REPLACE FUNCTION weather.correct_place(
    place_key text, latitude double precision, longitude double precision
)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    corrected bigint;
BEGIN
    UPDATE weather.places
    SET
        latitude = correct_place.latitude,
        longitude = correct_place.longitude,
        geocoding_status = 'corrected',
        geocoded_name = NULL,
        geocoded_at = now(),
        geocoding_problem = NULL,
        geocoding_candidates = NULL
    WHERE places.place_key = correct_place.place_key
    RETURNING places.place_id INTO corrected;
    IF corrected IS NULL THEN
        RAISE EXCEPTION 'there is no place %', coalesce(quote_literal(place_key), 'NULL') USING
            ERRCODE = 'invalid_parameter_value',
            HINT = 'SELECT place_key, geocoding_status FROM weather.places WHERE latitude IS NULL';
    END IF;
    PERFORM weather.delete_weather(corrected);
    RETURN corrected;
END
$$;

COMMENT ON FUNCTION weather.correct_place(text, double precision, double precision) IS
'Sets the coordinates of a place that was not found, or was found in the wrong location, and returns
its place_id. The stored weather belongs to the wrong location, so it is deleted and requested again
within seconds. Only the owner, the loader and the operator may call it.';
