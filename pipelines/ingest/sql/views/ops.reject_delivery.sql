CREATE OR REPLACE FUNCTION ops.reject_delivery(problem text, remedy text)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '%', problem USING ERRCODE = 'IS001', HINT = remedy;
END
$$;

COMMENT ON FUNCTION ops.reject_delivery(text, text) IS
'Rejects the delivery that is being loaded as a whole: SELECT ops.reject_delivery(problem, remedy)
FROM … in a statement of its source. Nothing of it is written but its entry in ops.deliveries.';
