-- Readings of a plant from a time (inclusive) to another (exclusive), in order.
SELECT
    read_at,
    expected_energy_kwh,
    observed_energy_kwh,
    expected_irradiation_wh_per_m2,
    observed_irradiation_wh_per_m2
FROM solar.readings
WHERE plant_id = :plant_id AND read_at >= :first_at AND read_at < :end_at
ORDER BY read_at
