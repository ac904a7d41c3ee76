-- Records why places were not fetched if the places are not the cause: they stay due.
INSERT INTO weather.fetch_state (place_id, kind, problem)
SELECT place_id, :kind, :problem
FROM unnest(CAST(:place_ids AS bigint [])) AS place_id
ON CONFLICT (place_id, kind) DO UPDATE SET problem = excluded.problem
