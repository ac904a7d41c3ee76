-- How many places lack a wanted hour that could be had, or have only an old forecast of it, and may
-- be asked for now.
SELECT count(DISTINCT wanted_hours.place_id)
FROM weather.wanted_hours
LEFT JOIN weather.hourly USING (place_id, hour_at)
LEFT JOIN weather.refreshes
    ON
        wanted_hours.place_id = refreshes.place_id
        AND refreshes.kind
        = CASE WHEN wanted_hours.hour_at >= :archive_ends_at THEN 'hourly' ELSE 'archive' END
WHERE
    wanted_hours.hour_at < :forecast_ends_at
    AND (
        hourly.hour_at IS NULL
        OR (
            hourly.hour_at > hourly.fetched_at
            AND hourly.fetched_at <= :now - interval '6 hours'
        )
    )
    AND (
        refreshes.last_success_at IS NULL
        OR refreshes.last_success_at <= :now - interval '3 hours'
    )
    AND (refreshes.claimed_until IS NULL OR refreshes.claimed_until <= :now)
    AND (refreshes.retry_at IS NULL OR refreshes.retry_at <= :now)
