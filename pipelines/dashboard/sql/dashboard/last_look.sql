-- When it was last looked for problems.
-- Work: flat, 40 buffers
SELECT looked_at
FROM ops.last_look;
