CREATE OR REPLACE FUNCTION ops.reject_open_delivery()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM ops.deliveries WHERE delivery_id = new.delivery_id AND is_open) THEN
        RAISE EXCEPTION 'a commit came before delivery % (%) was complete', new.name, new.feed
        USING ERRCODE = 'integrity_constraint_violation',
        HINT = 'A load must not commit: the platform does, with the counts. Remove the COMMIT.';
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION ops.reject_open_delivery() IS
'Fails a COMMIT before the counts of a delivery are written, so that its rows and its ledger entry
are stored together or not at all.';
