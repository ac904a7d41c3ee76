-- Writes the hours of one request, for the places that are still claimed by it. Without :succeeded_at
-- they are due again at once, when more is wanted.
WITH mine AS (
    UPDATE weather.refreshes
    SET
        last_success_at = :succeeded_at,
        claimed_until = NULL,
        claim = NULL,
        failures = 0,
        retry_at = NULL,
        problem = NULL
    WHERE claim = :claim AND place_id = ANY(:place_ids)
    RETURNING place_id
), written AS (
    INSERT INTO weather.hourly AS held ({columns})
    SELECT {columns}
    FROM stage_hourly
    INNER JOIN mine USING (place_id)
    ON CONFLICT (place_id, hour_at) DO UPDATE SET {assignments}
)

SELECT place_id FROM mine
