-- Writes what is new or other in an answer; what was said before is kept as a correction.
WITH told AS MATERIALIZED (
    SELECT
        stage_readings.*,
        held.read_at IS NOT NULL AS is_held,
        held.expected_energy_kwh AS held_expected_energy_kwh,
        held.observed_energy_kwh AS held_observed_energy_kwh,
        held.expected_irradiation_wh_per_m2 AS held_expected_irradiation_wh_per_m2,
        held.observed_irradiation_wh_per_m2 AS held_observed_irradiation_wh_per_m2,
        held.delivery_id AS held_delivery_id
    FROM stage_readings
    LEFT JOIN solar.readings AS held
        ON
            held.plant_id = :plant_id
            AND stage_readings.read_at = held.read_at
            AND held.read_at BETWEEN :first AND :last
    WHERE
        held.read_at IS NULL
        OR (
            held.expected_energy_kwh,
            held.observed_energy_kwh,
            held.expected_irradiation_wh_per_m2,
            held.observed_irradiation_wh_per_m2
        ) IS DISTINCT FROM (
            stage_readings.expected_energy_kwh,
            stage_readings.observed_energy_kwh,
            stage_readings.expected_irradiation_wh_per_m2,
            stage_readings.observed_irradiation_wh_per_m2
        )
), corrected AS (
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
        :plant_id,
        read_at,
        held_expected_energy_kwh,
        held_observed_energy_kwh,
        held_expected_irradiation_wh_per_m2,
        held_observed_irradiation_wh_per_m2,
        held_delivery_id,
        :delivery_id
    FROM told
    WHERE is_held
), written AS (
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
    FROM told
    ON CONFLICT (plant_id, read_at) DO UPDATE SET
        expected_energy_kwh = excluded.expected_energy_kwh,
        observed_energy_kwh = excluded.observed_energy_kwh,
        expected_irradiation_wh_per_m2 = excluded.expected_irradiation_wh_per_m2,
        observed_irradiation_wh_per_m2 = excluded.observed_irradiation_wh_per_m2,
        delivery_id = excluded.delivery_id
    RETURNING read_at
)

SELECT count(*) FROM written
