-- Writes new and changed readings of a response; the previous values are kept as a correction.
WITH corrected AS (
    INSERT INTO solar.corrections (
        plant_id,
        read_at,
        expected_energy_kwh,
        observed_energy_kwh,
        expected_irradiation_wh_per_m2,
        observed_irradiation_wh_per_m2,
        delivery_id,
        corrected_by
    )
    SELECT
        stored.plant_id,
        stored.read_at,
        stored.expected_energy_kwh,
        stored.observed_energy_kwh,
        stored.expected_irradiation_wh_per_m2,
        stored.observed_irradiation_wh_per_m2,
        stored.delivery_id,
        :delivery_id
    FROM stage_readings
    INNER JOIN solar.readings AS stored
        ON stored.plant_id = :plant_id AND stage_readings.read_at = stored.read_at
)

INSERT INTO solar.readings (
    plant_id,
    read_at,
    expected_energy_kwh,
    observed_energy_kwh,
    expected_irradiation_wh_per_m2,
    observed_irradiation_wh_per_m2,
    delivery_id
)
SELECT
    :plant_id,
    read_at,
    expected_energy_kwh,
    observed_energy_kwh,
    expected_irradiation_wh_per_m2,
    observed_irradiation_wh_per_m2,
    :delivery_id
FROM stage_readings
ON CONFLICT (plant_id, read_at) DO UPDATE SET
    expected_energy_kwh = excluded.expected_energy_kwh,
    observed_energy_kwh = excluded.observed_energy_kwh,
    expected_irradiation_wh_per_m2 = excluded.expected_irradiation_wh_per_m2,
    observed_irradiation_wh_per_m2 = excluded.observed_irradiation_wh_per_m2,
    delivery_id = excluded.delivery_id
