SELECT feed AS source, last_delivery_at, silent_hours, longest_silence_hours, is_quiet
FROM ops.feeds
ORDER BY feed;
