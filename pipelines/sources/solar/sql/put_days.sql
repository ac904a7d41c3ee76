-- Records the state of each day of an answered window. Partial days are retried with exponential
-- backoff, and closed with the tenth request that was due. Empty days are retried daily for a week,
-- as their data may be late, and twice if the response had data for other days, as it may have been
-- truncated. The count restarts if the status changes.
INSERT INTO solar.days (
    plant_id, day, status, hours_expected, hours_present,
    expected_energy_kwh, observed_energy_kwh,
    expected_irradiation_wh_per_m2, observed_irradiation_wh_per_m2,
    requested_at, delivery_id, failures, problem, retry_at
)
SELECT
    :plant_id, counted.day, settled.status, counted.hours_expected, counted.hours_present,
    counted.expected_energy_kwh, counted.observed_energy_kwh,
    counted.expected_irradiation_wh_per_m2, counted.observed_irradiation_wh_per_m2,
    :now, :delivery_id,
    CASE settled.status WHEN 'complete' THEN 0 ELSE tried.tries END,
    CASE
        WHEN settled.status = 'complete' AND counted.day = ANY(CAST(:night_days AS date []))
            THEN
                'hours of the night that were absent, null or negative, and count as zero: '
                || cardinality(array_positions(CAST(:night_days AS date []), counted.day))
        WHEN settled.status = 'complete' AND before.status = 'complete'
            THEN CASE WHEN counted.changed_by <> :delivery_id THEN before.problem END
        WHEN settled.status NOT IN ('partial', 'closed') THEN NULL
        WHEN counted.day = ANY(CAST(:spoiled_days AS date []))
            THEN
                counted.hours_present
                || ' of '
                || counted.hours_expected
                || ' hours are stored, the others were rejected: isobar quarantine show solar'
        ELSE counted.hours_present || ' of ' || counted.hours_expected || ' hours were received'
    END,
    CASE
        WHEN settled.status = 'partial' AND request.is_early THEN before.retry_at
        WHEN settled.status = 'partial'
            THEN :now + least(interval '10 minutes' * power(4, tried.tries - 1), interval '7 days')
        WHEN
            settled.status = 'empty'
            AND (
                counted.day >= (CAST(:now AS timestamptz) AT TIME ZONE CAST(:zone AS text))::date - 7
                OR (sum(counted.hours_present) OVER () > 0 AND tried.tries <= 2)
            )
            THEN :now + interval '1 day'
    END
FROM solar.counted_days(:plant_id, :zone, :first, :end) AS counted
LEFT JOIN solar.days AS before ON before.plant_id = :plant_id AND before.day = counted.day
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN counted.hours_present = counted.hours_expected THEN 'complete'
            WHEN counted.hours_present > 0 OR counted.day = ANY(CAST(:spoiled_days AS date []))
                THEN 'partial'
            ELSE 'empty'
        END AS found
) AS stored
CROSS JOIN LATERAL (
    SELECT
        stored.found = 'partial' AND before.status = 'partial' AND before.retry_at > :now AS is_early
) AS request
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN request.is_early THEN least(before.failures, 9)
            WHEN before.status IN (stored.found, 'closed') THEN least(before.failures, 9) + 1
            ELSE 1
        END AS tries
) AS tried
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN stored.found = 'complete' THEN 'complete'
            WHEN before.status = 'closed' OR (stored.found = 'partial' AND tried.tries = 10)
                THEN 'closed'
            ELSE stored.found
        END AS status
) AS settled
ON CONFLICT (plant_id, day) DO UPDATE SET
    status = excluded.status,
    hours_expected = excluded.hours_expected,
    hours_present = excluded.hours_present,
    expected_energy_kwh = excluded.expected_energy_kwh,
    observed_energy_kwh = excluded.observed_energy_kwh,
    expected_irradiation_wh_per_m2 = excluded.expected_irradiation_wh_per_m2,
    observed_irradiation_wh_per_m2 = excluded.observed_irradiation_wh_per_m2,
    requested_at = excluded.requested_at,
    delivery_id = excluded.delivery_id,
    failures = excluded.failures,
    problem = excluded.problem,
    retry_at = excluded.retry_at
