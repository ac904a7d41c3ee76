CREATE OR REPLACE VIEW bookings.newest AS
SELECT
    NULL::text AS name,
    (SELECT max(event_at) FROM bookings.events WHERE event_at <= now()) AS newest_at,
    NULL::timestamptz AS new_data_at;

COMMENT ON VIEW bookings.newest IS
'How new the data are: the time of the last event.
Part of ops.newest, which metrics.freshness shows.';
COMMENT ON COLUMN bookings.newest.name IS 'Null: it is for all views of the source.';
COMMENT ON COLUMN bookings.newest.newest_at IS 'Time of the last event that is not in the future; null if there is none.';
COMMENT ON COLUMN bookings.newest.new_data_at IS 'Null: as the ledger has it.';
