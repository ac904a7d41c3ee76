-- Writes the observations of one request, for the places that are still claimed by it.
WITH mine AS (
    UPDATE weather.refreshes
    SET
        last_success_at = stage_observations.fetched_at,
        claimed_until = NULL,
        claim = NULL,
        failures = 0,
        retry_at = NULL,
        problem = NULL
    FROM stage_observations
    WHERE refreshes.place_id = stage_observations.place_id AND refreshes.claim = :claim
    RETURNING refreshes.place_id
), written AS (
    INSERT INTO weather.observations AS held ({columns})
    SELECT {columns}
    FROM stage_observations
    INNER JOIN mine USING (place_id)
    ON CONFLICT (place_id) DO UPDATE SET {assignments}
)

SELECT place_id FROM mine
