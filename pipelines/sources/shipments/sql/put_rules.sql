-- Keeps what views need of the settings.
WITH given AS (
    SELECT make_interval(hours => 24 * :stale_days) AS stale_after
), gone AS (
    DELETE FROM shipments.rules
    USING given
    WHERE rules.stale_after <> given.stale_after
)

INSERT INTO shipments.rules (stale_after)
SELECT stale_after
FROM given
ON CONFLICT DO NOTHING
