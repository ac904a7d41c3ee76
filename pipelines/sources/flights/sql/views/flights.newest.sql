CREATE OR REPLACE VIEW flights.newest AS
SELECT
    NULL::text AS name,
    (SELECT max(snapshot_at) FROM flights.snapshots WHERE is_loaded) AS newest_at,
    NULL::timestamptz AS new_data_at;

COMMENT ON VIEW flights.newest IS
'How new the data are: the time of the last document of offers.
Part of ops.newest, which metrics.freshness shows.';
COMMENT ON COLUMN flights.newest.name IS 'Null: it is for all views of the source.';
COMMENT ON COLUMN flights.newest.newest_at IS 'Time of the last document of offers; null if there is none.';
COMMENT ON COLUMN flights.newest.new_data_at IS
'Null: as the ledger has it.';
