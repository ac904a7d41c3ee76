-- The quarantine as shown in the terminal.
SELECT
    source,
    reason,
    count,
    last_seen_at,
    example
FROM ops.quarantine_summary
