-- `isobar migrate` adds the views newest of all other sources.
CREATE OR REPLACE VIEW ops.newest AS
SELECT
    NULL::text AS source,
    NULL::text AS name,
    NULL::timestamp with time zone AS newest_at,
    NULL::timestamp with time zone AS new_data_at
WHERE FALSE
-- and of each source
;

COMMENT ON VIEW ops.newest IS
'How new the data of sources are, by what they say themselves: the union of the views newest of all
sources. metrics.freshness shows it.';
COMMENT ON COLUMN ops.newest.source IS
'The source of the row, from its view newest.';
COMMENT ON COLUMN ops.newest.name IS
'View, as schema.name; null: whatever of the source is not named.';
COMMENT ON COLUMN ops.newest.newest_at IS
'Newest time in the data; null if there are none.';
COMMENT ON COLUMN ops.newest.new_data_at IS
'When data last came; null: as the ledger has it.';
