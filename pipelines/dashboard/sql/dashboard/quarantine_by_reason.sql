SELECT feed, reason_code, count, first_seen_at, last_seen_at, example, reason
FROM ops.quarantine_summary
WHERE feed = ANY (%(feeds)s)
ORDER BY count DESC, feed, reason_code;
