-- Readings of each plant from its first time (inclusive) to its last (exclusive), in order.
SELECT
    plant_id,
    readings.read_at,
    readings.expected_energy_kwh,
    readings.observed_energy_kwh,
    readings.expected_irradiation_wh_per_m2,
    readings.observed_irradiation_wh_per_m2
FROM unnest(
    CAST(:plant_id AS integer []),
    CAST(:first_at AS timestamptz []),
    CAST(:end_at AS timestamptz [])
) AS looked_at (plant_id, first_at, end_at)
INNER JOIN solar.readings USING (plant_id)
WHERE readings.read_at >= looked_at.first_at AND readings.read_at < looked_at.end_at
ORDER BY plant_id, readings.read_at
