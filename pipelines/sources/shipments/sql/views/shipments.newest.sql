CREATE OR REPLACE VIEW shipments.newest AS
SELECT
    NULL::text AS name,
    (SELECT max(updated_at) FROM shipments.shipments) AS newest_at,
    NULL::timestamptz AS new_data_at;

COMMENT ON VIEW shipments.newest IS
'How new the data are: the time of the last change of a shipment.
Part of ops.newest, which metrics.freshness shows.';
COMMENT ON COLUMN shipments.newest.name IS 'Null: it is for all views of the source.';
COMMENT ON COLUMN shipments.newest.newest_at IS 'Time of the last change of a shipment; null if there is none.';
COMMENT ON COLUMN shipments.newest.new_data_at IS
'Null: as the ledger has it.';
