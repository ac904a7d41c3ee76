-- Records that places were fetched. Without a time of success they may be due again at once.
INSERT INTO weather.fetch_state (place_id, kind, last_success_at)
SELECT place_id, :kind, CAST(:succeeded_at AS timestamptz)
FROM unnest(CAST(:place_ids AS bigint [])) AS place_id
ON CONFLICT (place_id, kind) DO UPDATE SET
    last_success_at = excluded.last_success_at,
    consecutive_failures = 0,
    retry_at = NULL,
    problem = NULL
