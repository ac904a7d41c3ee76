CREATE TEMP TABLE touched_{name} ({key} text) ON COMMIT DROP;

-- Reverts a table of periods to an earlier snapshot. Records the keys in touched_{name}. First,
-- delete the periods that began after the previous snapshot.
WITH reverted AS (
    DELETE FROM {table}
    WHERE seen_from_at > coalesce(:before, '-infinity'::timestamptz)
    RETURNING {key}
)
INSERT INTO touched_{name}
SELECT {key} FROM reverted;

-- Reopen the periods that a later snapshot closed: they were last seen in the previous snapshot or
-- after it.
WITH reopened AS (
    UPDATE {table}
    SET seen_until_at = NULL
    WHERE seen_until_at >= :before
    RETURNING {key}
)
INSERT INTO touched_{name}
SELECT {key} FROM reopened;
