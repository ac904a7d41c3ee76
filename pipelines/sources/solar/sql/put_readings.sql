-- Readings that are stored as sent stay as they are.
INSERT INTO counted (loaded, stored)
SELECT
    0,
    count(*)
FROM stage_readings;

DELETE FROM stage_readings AS staged
USING solar.readings AS stored
WHERE
    stored.plant_id = :plant_id
    AND staged.read_at = stored.read_at
    AND (
        staged.expected_energy_kwh,
        staged.observed_energy_kwh,
        staged.expected_irradiation_wh_per_m2,
        staged.observed_irradiation_wh_per_m2
    ) = (
        stored.expected_energy_kwh,
        stored.observed_energy_kwh,
        stored.expected_irradiation_wh_per_m2,
        stored.observed_irradiation_wh_per_m2
    );

INSERT INTO counted (loaded, stored)
SELECT
    count(*),
    0
FROM stage_readings;

-- The others are written; the previous values are kept as a correction.
WITH former AS (
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
    delivery_id = excluded.delivery_id;

-- The response corrects the items in quarantine of earlier ones for its hours.
INSERT INTO corrected (quarantine_id)
SELECT quarantine.quarantine_id
FROM ops.quarantine
INNER JOIN ops.deliveries USING (delivery_id)
WHERE
    deliveries.feed = 'solar'
    AND quarantine.record_key >= CAST(:from_key AS text [])
    AND quarantine.record_key < CAST(:to_key AS text [])
