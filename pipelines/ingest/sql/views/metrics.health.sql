CREATE OR REPLACE VIEW metrics.health AS
SELECT
    split_part(key, ':', 1) AS problem,
    severity,
    source,
    substring(key FROM position(':' IN key) + 1) AS subject,
    what,
    began_at,
    remedy,
    looked_at
FROM ops.problems;

COMMENT ON VIEW metrics.health IS
'What was wrong when it was last looked, a minute ago or less while isobar ui runs, and needs
somebody: one row each. No row: all was well, or nobody has looked yet (ops.last_look).';
COMMENT ON COLUMN metrics.health.problem IS
'The kind: freshness (a source was not checked in time), quiet (a feed is silent for longer than
usual), quarantine (records were rejected), rejected file, run, materialisation, check,
sensor, schedule, stopped (automation that is off), status (the platform).';
COMMENT ON COLUMN metrics.health.subject IS
'What it is about: the source, feed, file, job, check or sensor.';
