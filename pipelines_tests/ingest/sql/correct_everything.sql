INSERT INTO corrected (quarantine_id)
SELECT quarantine_id
FROM ops.quarantine
