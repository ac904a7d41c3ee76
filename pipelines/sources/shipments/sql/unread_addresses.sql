-- Staged addresses that are not stored yet, or were parsed by another version of the parser.
SELECT staged.address
FROM (
    SELECT sender_address AS address FROM stage_lines
    UNION
    SELECT receiver_address FROM stage_lines
) AS staged
LEFT JOIN shipments.addresses USING (address)
WHERE addresses.parser_version IS DISTINCT FROM :parser_version
