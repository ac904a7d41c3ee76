-- Stored readings of a plant between two instants, as one array per column: five times as fast as
-- rows. Times are seconds since 1970.
SELECT
    array_send(array_agg(date_part('epoch', read_at)::bigint)) AS seconds,
    array_send(array_agg(expected_energy_kwh)) AS expected_energy_kwh,
    array_send(array_agg(observed_energy_kwh)) AS observed_energy_kwh,
    array_send(array_agg(expected_irradiation_wh_per_m2)) AS expected_irradiation_wh_per_m2,
    array_send(array_agg(observed_irradiation_wh_per_m2)) AS observed_irradiation_wh_per_m2
FROM solar.readings
WHERE plant_id = :plant_id AND read_at BETWEEN :lowest AND :highest
