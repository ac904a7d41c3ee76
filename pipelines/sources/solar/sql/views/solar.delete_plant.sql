-- Runs with the rights of the owner, so that anyone who may delete a plant also deletes its data,
-- and nothing else. EXECUTE is revoked from everyone: triggers run without it, but anyone who had
-- it could attach the function to a table of their own.
CREATE OR REPLACE FUNCTION solar.delete_plant()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('isobar sync of plant ' || old.plant_id, 0)) THEN
        RAISE EXCEPTION 'Data sync of plant % is running. Please try again later!', old.plant_id
        USING ERRCODE = 'object_in_use';
    END IF;
    DELETE FROM solar.readings WHERE plant_id = old.plant_id;
    WITH gone AS (
        DELETE FROM ops.quarantine USING ops.deliveries
        WHERE deliveries.delivery_id = quarantine.delivery_id
            AND deliveries.feed = 'solar'
            AND quarantine.record_key[1] = old.plant_id::text
        RETURNING quarantine.delivery_id
    ), counted AS (
        SELECT delivery_id, count(*) AS records FROM gone GROUP BY delivery_id
    )
    UPDATE ops.deliveries
    SET rejected_count = rejected_count - records, unchanged_count = unchanged_count + records
    FROM counted
    WHERE deliveries.delivery_id = counted.delivery_id;
    RETURN old;
END
$$;

REVOKE ALL ON FUNCTION solar.delete_plant() FROM PUBLIC, isobar_loader, isobar_analyst, isobar_operator;

COMMENT ON FUNCTION solar.delete_plant() IS
'Deletes the readings and rejected items of a deleted plant. Raises an error if the plant is being
synced.';
