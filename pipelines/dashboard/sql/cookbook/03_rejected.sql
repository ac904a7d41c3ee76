-- What was rejected, and why?
SELECT feed, reason_code, count, last_seen_at, reason AS last_reason, example
FROM ops.quarantine_summary;
