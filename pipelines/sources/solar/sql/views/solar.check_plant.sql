CREATE OR REPLACE FUNCTION solar.check_plant()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF new.plant_id <> old.plant_id THEN
        RAISE EXCEPTION 'the number of plant % stays as it is: the monitoring service knows it by that', old.plant_id
        USING ERRCODE = 'check_violation', HINT = 'Register another plant.';
    END IF;
    IF new.time_zone <> 'UTC' AND NOT EXISTS (
        SELECT FROM pg_timezone_names
        WHERE name = new.time_zone AND name ~ '^[A-Z][^/]*/' AND name !~ '^SystemV/'
    ) THEN  -- not CET and the like: as an abbreviation it has no summer time
        RAISE EXCEPTION 'time_zone is %: it must be UTC or the name of the zone of a place', quote_nullable(new.time_zone)
        USING ERRCODE = 'check_violation', HINT = 'UTC, Europe/Madrid: SELECT name FROM pg_timezone_names';
    END IF;
    IF new.time_zone <> old.time_zone AND EXISTS (SELECT FROM solar.days WHERE plant_id = old.plant_id) THEN
        RAISE EXCEPTION 'the time_zone of plant % stays as it is: its readings were read in it', old.plant_id
        USING ERRCODE = 'check_violation', HINT = 'Delete the plant and register it again.';
    END IF;
    RETURN new;
END
$$;

COMMENT ON FUNCTION solar.check_plant() IS
'Rejects an unknown time zone, a change of time zone if the plant has readings, and a change of
plant_id.';
