CREATE OR REPLACE VIEW weather.newest AS
SELECT
    NULL::text AS name,
    (SELECT max(observed_at) FROM weather.observations) AS newest_at,
    (SELECT max(last_success_at) FROM weather.fetch_state) AS new_data_at;

COMMENT ON VIEW weather.newest IS
'How new the data are: the time of the last observation.
Part of ops.newest, which metrics.freshness shows.';
COMMENT ON COLUMN weather.newest.name IS 'Null: it is for all views of the source.';
COMMENT ON COLUMN weather.newest.newest_at IS 'Time of the last observation; null if there is none.';
COMMENT ON COLUMN weather.newest.new_data_at IS 'When a request last had an answer.';
