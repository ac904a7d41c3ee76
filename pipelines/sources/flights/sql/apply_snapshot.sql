-- Close the periods in which something else was said than now.
WITH closed AS (
    UPDATE {table} AS held
    SET seen_until_at = :before
    FROM stage_{name} AS staged
    WHERE held.{key} = staged.{key}
        AND held.seen_until_at IS NULL
        AND ({held_said}) IS DISTINCT FROM ({staged_said})
    RETURNING held.{key}
)
INSERT INTO touched_{name}
SELECT {key} FROM closed;

-- Open a period for what has none.
WITH opened AS (
    INSERT INTO {table} ({key}, seen_from_at, {said}, delivery_id)
    SELECT DISTINCT ON (staged.{key}) staged.{key}, :at, {staged_said}, :delivery_id
    FROM stage_{name} AS staged
    WHERE NOT EXISTS (
        SELECT FROM {table} AS held
        WHERE held.{key} = staged.{key} AND held.seen_until_at IS NULL
    )
    ORDER BY staged.{key}, staged.record
    RETURNING {key}
), noted AS (
    INSERT INTO changed (record)
    SELECT staged.record FROM stage_{records} AS staged INNER JOIN opened USING ({key})
)
INSERT INTO touched_{name}
SELECT {key} FROM opened;

-- Close the periods of what is gone.
WITH gone AS (
    UPDATE {table} AS held
    SET seen_until_at = :before
    WHERE held.seen_until_at IS NULL
        AND held.seen_from_at < :at
        AND NOT EXISTS (SELECT FROM stage_{name} AS staged WHERE staged.{key} = held.{key})
        AND NOT EXISTS (
            SELECT FROM stage_refused_{name} AS refused WHERE refused.{key} = held.{key}
        )
    RETURNING held.{key}
)
INSERT INTO touched_{name}
SELECT {key} FROM gone;
