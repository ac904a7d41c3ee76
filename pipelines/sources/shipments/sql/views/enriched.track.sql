CREATE OR REPLACE FUNCTION enriched.track(tracking_number text, carrier text)
RETURNS SETOF enriched.shipments
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    given_number CONSTANT text := coalesce(btrim(track.tracking_number, E' \t\r\n'), '');
    given_carrier CONSTANT text := coalesce(btrim(track.carrier, E' \t\r\n'), '');
BEGIN
    IF '' IN (given_number, given_carrier) THEN
        RAISE EXCEPTION '% is missing',
            CASE given_number WHEN '' THEN 'tracking_number' ELSE 'carrier' END
        USING ERRCODE = 'invalid_parameter_value', HINT = 'enriched.track(''TN12345678'', ''DHL'')';
    END IF;
    RETURN QUERY
    SELECT *
    FROM enriched.shipments
    WHERE tracking_number = given_number AND lower(carrier) = lower(given_carrier)
    ORDER BY carrier <> given_carrier, carrier
    LIMIT 1;
END
$$;

COMMENT ON FUNCTION enriched.track(text, text) IS
'Returns the shipment with a tracking number and a carrier: one row, or no row if it is unknown. The
columns are those of enriched.shipments. The carrier is not case-sensitive. Leading and trailing
whitespace in either argument is ignored. Raises an error (22023) if an argument is missing.
Example: SELECT * FROM enriched.track(tracking_number => (SELECT min(tracking_number) FROM enriched.shipments), carrier => (SELECT min(carrier) FROM enriched.shipments WHERE tracking_number = (SELECT min(tracking_number) FROM enriched.shipments)));';
