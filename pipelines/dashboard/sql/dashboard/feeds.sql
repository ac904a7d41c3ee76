SELECT
    feed AS source,
    last_delivery_at,
    deliveries_today,
    records_today,
    rejected_today,
    in_quarantine,
    silent_hours,
    longest_silence_hours,
    is_quiet
FROM ops.feeds
ORDER BY feed;
