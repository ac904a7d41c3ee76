CREATE OR REPLACE FUNCTION weather.delay_risk(
    wmo_code bigint,
    wind_kmh double precision,
    temperature_celsius double precision
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT
        CASE
            -- Beaufort 9, strong gale: branches break, high vehicles are at risk.
            WHEN wmo_code IN (95, 96, 99) OR wind_kmh >= 75 THEN 'storm'
            WHEN wmo_code IN (56, 57, 66, 67) THEN 'freezing_rain'
            WHEN wmo_code IN (71, 73, 75, 77, 85, 86) THEN 'snow'
            WHEN temperature_celsius >= 35 THEN 'heat'
            WHEN wmo_code IS NOT NULL THEN 'none'
        END
$$;

COMMENT ON FUNCTION weather.delay_risk(bigint, double precision, double precision) IS
'Returns the weather that may delay a parcel, the worst if there are several: storm, freezing_rain,
snow, heat or none. A rule of thumb, as in weather.observations.delay_risk. Null if unknown.';
