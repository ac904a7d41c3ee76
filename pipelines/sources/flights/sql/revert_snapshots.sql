-- Forget the periods that began after the day before.
WITH forgotten AS (
    DELETE FROM {table}
    WHERE seen_from_on > coalesce(:day_before, '-infinity'::date)
    RETURNING {key}
)
INSERT INTO touched_{name}
SELECT {key} FROM forgotten;

-- Open again the periods that a later day closed: they were last seen on the day before.
WITH reopened AS (
    UPDATE {table}
    SET seen_until_on = NULL
    WHERE seen_until_on >= :day_before
    RETURNING {key}
)
INSERT INTO touched_{name}
SELECT {key} FROM reopened;
