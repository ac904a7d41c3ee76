-- Claims places for which a wanted hour is missing or was forecast long ago, and says how far back
-- those hours go. Hours beyond the forecast are not asked for yet.
WITH needed AS (
    SELECT
        wanted_hours.place_id,
        min(wanted_hours.hour_at) AS first_at,
        max(wanted_hours.hour_at) AS last_at
    FROM weather.wanted_hours
    LEFT JOIN weather.hourly USING (place_id, hour_at)
    WHERE
        wanted_hours.hour_at < :forecast_ends_at
        AND (
            hourly.hour_at IS NULL
            OR (
                hourly.hour_at > hourly.fetched_at
                AND hourly.fetched_at <= :now - interval '6 hours'
            )
        )
        AND (wanted_hours.hour_at >= :archive_ends_at) = :is_recent
    GROUP BY wanted_hours.place_id
), due AS (
    SELECT
        needed.place_id,
        needed.first_at,
        needed.last_at
    FROM needed
    LEFT JOIN weather.refreshes
        ON needed.place_id = refreshes.place_id AND refreshes.kind = :kind
    WHERE
        (
            refreshes.last_success_at IS NULL
            OR refreshes.last_success_at <= :now - interval '3 hours'
        )
        AND (refreshes.claimed_until IS NULL OR refreshes.claimed_until <= :now)
        AND (refreshes.retry_at IS NULL OR refreshes.retry_at <= :now)
    ORDER BY needed.place_id
    LIMIT :most
), claimed AS (
    INSERT INTO weather.refreshes (place_id, kind, claimed_until, claim)
    SELECT
        place_id,
        :kind,
        :claimed_until,
        :claim
    FROM due
    ON CONFLICT (place_id, kind) DO UPDATE SET
        claimed_until = excluded.claimed_until,
        claim = excluded.claim
    RETURNING place_id
)

SELECT
    places.place_id,
    places.latitude,
    places.longitude,
    due.first_at,
    due.last_at
FROM weather.places
INNER JOIN due USING (place_id)
INNER JOIN claimed USING (place_id)
ORDER BY places.place_id
