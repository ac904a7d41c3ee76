-- What the terminal shows of the quarantine.
SELECT
    source,
    reason,
    count,
    last_seen_at,
    example
FROM ops.quarantine_summary
