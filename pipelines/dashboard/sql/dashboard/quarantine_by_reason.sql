-- Work: linear, 47 buffers
SELECT source, reason_code, count, first_seen_at, last_seen_at, example, reason
FROM ops.quarantine_summary
WHERE source = ANY (%(sources)s)
ORDER BY count DESC, source, reason_code;
