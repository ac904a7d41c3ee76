-- Work: flat, 20 buffers: UPDATE ops.deliveries SET is_open = TRUE WHERE FALSE
CREATE OR REPLACE FUNCTION ops.announce_delivery()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM ops.announce(
        coalesce(
            (
                SELECT catalog.source
                FROM ops.catalog
                WHERE catalog.kind = 'feed' AND catalog.name = new.source
            ),
            new.source
        ),
        new.source,
        new.delivery_id,
        new.loaded_count - old.loaded_count
    );
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION ops.announce_delivery() IS
'Announces a delivery that changed something, in the transaction that loads it (ops.announce).';
