-- When it was last looked for problems, and the history of each check as it was then.
-- Work: flat, 40 buffers
SELECT
    looked_at,
    checks
FROM ops.last_look;
