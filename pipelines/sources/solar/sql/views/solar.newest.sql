CREATE OR REPLACE VIEW solar.newest AS
SELECT
    NULL::text AS name,
    (
        SELECT max(newest.read_at)
        FROM solar.plants
        CROSS JOIN LATERAL (
            SELECT max(readings.read_at) AS read_at
            FROM solar.readings
            WHERE readings.plant_id = plants.plant_id
        ) AS newest
    ) AS newest_at,
    NULL::timestamptz AS new_data_at;

COMMENT ON VIEW solar.newest IS
'How new the data are: the time of the last hour with a reading.
Part of ops.newest, which metrics.freshness shows.';
COMMENT ON COLUMN solar.newest.name IS 'Null: it is for all views of the source.';
COMMENT ON COLUMN solar.newest.newest_at IS 'Time of the last hour with a reading; null if there is none.';
COMMENT ON COLUMN solar.newest.new_data_at IS 'Null: as the ledger has it.';
