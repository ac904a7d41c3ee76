CREATE OR REPLACE VIEW metrics.solar_losses AS
SELECT
    days.plant_id,
    plants.name AS plant_name,
    days.day,
    parts.cause,
    CASE WHEN parts.loss_kwh > 0 THEN solar.rounded(parts.loss_kwh) END AS lost_kwh,
    parts.loss_kwh,
    parts.low_hours,
    round(parts.loss_kwh::numeric * plants.tariff_per_kwh, 6) AS loss_amount,
    plants.tariff_currency
FROM metrics.solar_day_losses AS days
INNER JOIN solar.plants ON days.plant_id = plants.plant_id
CROSS JOIN LATERAL (
    VALUES
    ('sky', days.sky_kwh, days.low_sky_hours::integer),
    ('outage', days.outage_kwh, days.low_outage_hours::integer),
    ('plant', days.plant_kwh, days.low_plant_hours::integer),
    ('other', days.other_kwh, days.low_other_hours::integer),
    ('sensor', days.sensor_kwh, days.low_sensor_hours::integer),
    ('gain', days.gain_kwh, 0)
) AS parts (cause, loss_kwh, low_hours)
WHERE parts.loss_kwh <> 0;

COMMENT ON VIEW metrics.solar_losses IS
'Expected less observed energy of each plant by day and cause: sums of enriched.solar_hour_losses. They
are kept as of the last load and of the last run of the weather. The parts of a day add up to its expected less observed energy, also over days and plants. There are up to
six rows for each day with readings. Energy of hours that were not delivered is an estimate apart:
not_delivered_kwh in metrics.solar_daily. Soiling is a finding: metrics.solar_soiling. Fast if filtered
by plant_id and a range of day.';
COMMENT ON COLUMN metrics.solar_losses.plant_id IS 'The plant (solar.plants).';
COMMENT ON COLUMN metrics.solar_losses.plant_name IS 'Name of the plant.';
COMMENT ON COLUMN metrics.solar_losses.day IS 'The day, in the plant''s time zone.';
COMMENT ON COLUMN metrics.solar_losses.cause IS
'sky: less sun than expected. Of what the sun allowed, outage: under 1 % was made; plant: under 60 %;
other: 60 % or more. sensor: the sun is unknown, because the sensor or the logger failed. gain: hours
with more energy than expected.';
COMMENT ON COLUMN metrics.solar_losses.lost_kwh IS
'loss_kwh rounded to 3 decimals; null of a gain. Its sum is more than expected less observed energy:
for this difference, use loss_kwh.';
COMMENT ON COLUMN metrics.solar_losses.loss_kwh IS
'Expected less observed energy of this cause, kWh (the unit is assumed); negative of a gain.';
COMMENT ON COLUMN metrics.solar_losses.low_hours IS
'Number of low hours of which this is the larger cause: under 60 % of the expected energy, where
50 Wh/m² or more were expected.';
COMMENT ON COLUMN metrics.solar_losses.loss_amount IS
'loss_kwh times the plant''s tariff, in tariff_currency; null without a tariff.';
COMMENT ON COLUMN metrics.solar_losses.tariff_currency IS
'ISO 4217 code of the plant''s tariff; null without a tariff.';
