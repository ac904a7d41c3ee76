-- Work: flat, 20 buffers: SELECT * FROM solar.due_days(now())
CREATE OR REPLACE FUNCTION solar.due_days(as_of timestamptz)
RETURNS TABLE (plant_id integer, day date)
LANGUAGE sql
STABLE
AS $$
    SELECT
        days.plant_id,
        days.day
    FROM solar.days
    INNER JOIN solar.syncs USING (plant_id)
    WHERE days.retry_at <= as_of AND days.day >= syncs.history_from
$$;

COMMENT ON FUNCTION solar.due_days(timestamptz) IS
'Returns the days that are due to be requested again: incomplete ones whose retry time has come, in
the history that the last sync of their plant was to load.';
