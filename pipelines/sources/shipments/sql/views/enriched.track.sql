CREATE OR REPLACE FUNCTION enriched.track(tracking_number text, carrier text)
RETURNS SETOF enriched.shipments
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    asked_number CONSTANT text := btrim(track.tracking_number, E' \t\r\n');
    asked_carrier CONSTANT text := btrim(track.carrier, E' \t\r\n');
BEGIN
    IF asked_number IS NULL OR asked_number = '' THEN
        RAISE EXCEPTION 'tracking_number is missing' USING
            ERRCODE = 'invalid_parameter_value',
            HINT = 'enriched.track(''TN12345678'', ''DHL'')';
    END IF;
    IF asked_carrier IS NULL OR asked_carrier = '' THEN
        RAISE EXCEPTION 'carrier is missing' USING
            ERRCODE = 'invalid_parameter_value',
            HINT = 'enriched.track(''TN12345678'', ''DHL'')';
    END IF;
    RETURN QUERY
    SELECT *
    FROM enriched.shipments
    WHERE tracking_number = asked_number AND lower(carrier) = lower(asked_carrier)
    ORDER BY carrier <> asked_carrier, carrier
    LIMIT 1;
END
$$;

COMMENT ON FUNCTION enriched.track(text, text) IS
'The shipment of a tracking number and a carrier: the columns of enriched.shipments, one row, or none
when it is unknown. The carrier may be written in small or capital letters, and blanks around either
do not matter; one that is missing is an error.';
