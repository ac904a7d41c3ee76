-- Writes the readings that differ from what is stored; previous values are kept as a correction.
WITH changed AS MATERIALIZED (
    SELECT staged.*, stored AS former
    FROM stage_readings AS staged
    LEFT JOIN solar.readings AS stored
        ON stored.plant_id = :plant_id AND staged.read_at = stored.read_at
    WHERE
        (
            staged.expected_energy_kwh, staged.observed_energy_kwh,
            staged.expected_irradiation_wh_per_m2, staged.observed_irradiation_wh_per_m2
        ) IS DISTINCT FROM (
            stored.expected_energy_kwh, stored.observed_energy_kwh,
            stored.expected_irradiation_wh_per_m2, stored.observed_irradiation_wh_per_m2
        )
), former AS (
    INSERT INTO solar.corrections (
        plant_id, read_at, expected_energy_kwh, observed_energy_kwh,
        expected_irradiation_wh_per_m2, observed_irradiation_wh_per_m2, delivery_id, corrected_by
    )
    SELECT
        :plant_id, read_at, (former).expected_energy_kwh, (former).observed_energy_kwh,
        (former).expected_irradiation_wh_per_m2, (former).observed_irradiation_wh_per_m2,
        (former).delivery_id, :delivery_id
    FROM changed
    WHERE (former).plant_id IS NOT NULL
), written AS (
    INSERT INTO solar.readings (
        plant_id, read_at, expected_energy_kwh, observed_energy_kwh,
        expected_irradiation_wh_per_m2, observed_irradiation_wh_per_m2, delivery_id
    )
    SELECT
        :plant_id, read_at, expected_energy_kwh, observed_energy_kwh,
        expected_irradiation_wh_per_m2, observed_irradiation_wh_per_m2, :delivery_id
    FROM changed
    ON CONFLICT (plant_id, read_at) DO UPDATE SET
        expected_energy_kwh = excluded.expected_energy_kwh,
        observed_energy_kwh = excluded.observed_energy_kwh,
        expected_irradiation_wh_per_m2 = excluded.expected_irradiation_wh_per_m2,
        observed_irradiation_wh_per_m2 = excluded.observed_irradiation_wh_per_m2,
        delivery_id = excluded.delivery_id
)

INSERT INTO counted (loaded, stored)
SELECT
    (SELECT count(*) FROM changed),
    count(*)
FROM stage_readings;

-- The response corrects the items in quarantine of earlier ones for its hours.
INSERT INTO corrected (quarantine_id)
SELECT quarantine.quarantine_id
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE
    deliveries.feed = 'solar'
    AND quarantine.record_key >= CAST(:from_key AS text [])
    AND quarantine.record_key < CAST(:to_key AS text [])
