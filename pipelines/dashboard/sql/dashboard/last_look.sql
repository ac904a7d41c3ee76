-- When it was last looked for problems.
SELECT looked_at
FROM ops.last_look;
