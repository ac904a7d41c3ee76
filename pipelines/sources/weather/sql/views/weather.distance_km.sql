CREATE OR REPLACE FUNCTION weather.distance_km(
    latitude_1 double precision,
    longitude_1 double precision,
    latitude_2 double precision,
    longitude_2 double precision
)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    -- least(1, NULL) is 1: half way round the earth.
    WHEN latitude_1 + longitude_1 + latitude_2 + longitude_2 IS NOT NULL
        THEN 2 * 6371 * asin(
            sqrt(
                least(
                    1,
                    sind((latitude_2 - latitude_1) / 2) ^ 2
                    + cosd(latitude_1) * cosd(latitude_2)
                    * sind((longitude_2 - longitude_1) / 2) ^ 2
                )
            )
        )
END;

COMMENT ON FUNCTION
weather.distance_km(double precision, double precision, double precision, double precision) IS
'Returns the great-circle distance of two places in km (haversine formula), from their latitudes and
longitudes in degrees; null if one is unknown. Joins hotels, airports, parcels and plants by place
and not by the name of a city. Example: SELECT * FROM weather.distance_km(latitude_1 => 53.55, longitude_1 => 9.97, latitude_2 => 48.21, longitude_2 => 16.37);';
