-- The quarantine as shown in the terminal.
SELECT
    feed,
    reason_code,
    count,
    last_seen_at,
    example,
    reason
FROM ops.quarantine_summary
