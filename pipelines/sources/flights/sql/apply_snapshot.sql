-- Applies the snapshot of a time to a table of periods. Records the keys in touched_{name}, and in
-- changed the source records, which stage_{records} has by key. `before` is the time of the previous
-- one. First, later ones are reverted: delete the periods that began after the previous snapshot.
CREATE TEMP TABLE touched_{name} ({key} text) ON COMMIT DROP;

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

-- Close the periods whose values differ from the snapshot.
WITH closed AS (
    UPDATE {table} AS stored
    SET seen_until_at = :before
    FROM stage_{name} AS staged
    WHERE stored.{key} = staged.{key}
        AND stored.seen_until_at IS NULL
        AND ({stored_values}) IS DISTINCT FROM ({staged_values})
    RETURNING stored.{key}
)
INSERT INTO touched_{name}
SELECT {key} FROM closed;

-- Open a period for each key without one.
WITH opened AS (
    INSERT INTO {table} ({key}, seen_from_at, {values}, delivery_id)
    SELECT DISTINCT ON (staged.{key}) staged.{key}, :snapshot_at, {staged_values}, :delivery_id
    FROM stage_{name} AS staged
    WHERE NOT EXISTS (
        SELECT FROM {table} AS stored
        WHERE stored.{key} = staged.{key} AND stored.seen_until_at IS NULL
    )
    ORDER BY staged.{key}, staged.record
    RETURNING {key}
), noted AS (
    INSERT INTO changed (record)
    SELECT staged.record FROM stage_{records} AS staged INNER JOIN opened USING ({key})
)
INSERT INTO touched_{name}
SELECT {key} FROM opened;

-- Close the periods of keys that are no longer in the snapshot.
WITH gone AS (
    UPDATE {table} AS stored
    SET seen_until_at = :before
    WHERE stored.seen_until_at IS NULL
        AND stored.seen_from_at < :snapshot_at
        AND NOT EXISTS (SELECT FROM stage_{name} AS staged WHERE staged.{key} = stored.{key})
        AND NOT EXISTS (
            SELECT FROM stage_rejected_{name} AS rejected WHERE rejected.{key} = stored.{key}
        )
    RETURNING stored.{key}
)
INSERT INTO touched_{name}
SELECT {key} FROM gone;
