-- Writes what is new or different in an answer; the former values are kept as a correction.
WITH answered AS MATERIALIZED (
    SELECT
        stage_readings.*,
        stored.read_at IS NOT NULL AS is_stored,
        stored.expected_energy_kwh AS stored_expected_energy_kwh,
        stored.observed_energy_kwh AS stored_observed_energy_kwh,
        stored.expected_irradiation_wh_per_m2 AS stored_expected_irradiation_wh_per_m2,
        stored.observed_irradiation_wh_per_m2 AS stored_observed_irradiation_wh_per_m2,
        stored.delivery_id AS stored_delivery_id
    FROM stage_readings
    LEFT JOIN solar.readings AS stored
        ON
            stored.plant_id = :plant_id
            AND stage_readings.read_at = stored.read_at
            AND stored.read_at BETWEEN :first AND :last
    WHERE
        stored.read_at IS NULL
        OR (
            stored.expected_energy_kwh,
            stored.observed_energy_kwh,
            stored.expected_irradiation_wh_per_m2,
            stored.observed_irradiation_wh_per_m2
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
        stored_expected_energy_kwh,
        stored_observed_energy_kwh,
        stored_expected_irradiation_wh_per_m2,
        stored_observed_irradiation_wh_per_m2,
        stored_delivery_id,
        :delivery_id
    FROM answered
    WHERE is_stored
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
    FROM answered
    ON CONFLICT (plant_id, read_at) DO UPDATE SET
        expected_energy_kwh = excluded.expected_energy_kwh,
        observed_energy_kwh = excluded.observed_energy_kwh,
        expected_irradiation_wh_per_m2 = excluded.expected_irradiation_wh_per_m2,
        observed_irradiation_wh_per_m2 = excluded.observed_irradiation_wh_per_m2,
        delivery_id = excluded.delivery_id
    RETURNING read_at
)

SELECT count(*) FROM written
