-- Records the state of each day of an answered window. Partial days are retried, first after ten
-- minutes, then with exponential backoff, and closed with the tenth request that was due: a month
-- later. A closed day stays so unless it becomes complete. Empty days are retried daily for a week, as their data
-- may be late, and twice if the response had data for other days, as it may have been truncated.
-- The count restarts if the status changes. Complete days without changed readings are not changed.
WITH kept AS (
    UPDATE solar.days
    SET requested_at = :now, delivery_id = :delivery_id, retry_at = NULL
    WHERE
        plant_id = :plant_id
        AND day >= :first
        AND day < :end
        AND status = 'complete'
        AND day NOT IN (
            SELECT (readings.read_at AT TIME ZONE :zone)::date
            FROM solar.readings
            WHERE
                readings.plant_id = :plant_id
                AND readings.delivery_id = :delivery_id
                AND readings.read_at >= solar.day_begins(CAST(:first AS date), :zone)
                AND readings.read_at < solar.day_begins(CAST(:end AS date), :zone)
        )
    RETURNING day
), calendar AS (
    SELECT starts::date AS day
    FROM generate_series(
        CAST(:first AS timestamp), CAST(:end AS timestamp) - interval '1 day', interval '1 day'
    ) AS starts
    WHERE starts::date NOT IN (SELECT day FROM kept)
)

INSERT INTO solar.days (
    plant_id,
    day,
    status,
    hours_expected,
    hours_present,
    expected_energy_kwh,
    observed_energy_kwh,
    expected_irradiation_wh_per_m2,
    observed_irradiation_wh_per_m2,
    requested_at,
    delivery_id,
    failures,
    problem,
    retry_at
)
SELECT
    :plant_id,
    answered.day,
    answered.status,
    answered.hours_expected,
    answered.hours_present,
    answered.expected_energy_kwh,
    answered.observed_energy_kwh,
    answered.expected_irradiation_wh_per_m2,
    answered.observed_irradiation_wh_per_m2,
    :now,
    :delivery_id,
    CASE answered.status WHEN 'complete' THEN 0 ELSE answered.tries END,
    CASE
        WHEN answered.status = 'complete' AND answered.day = ANY(CAST(:night_days AS date []))
            THEN
                'hours of the night that were absent, null or negative, and count as zero: '
                || cardinality(array_positions(CAST(:night_days AS date []), answered.day))
        WHEN answered.status NOT IN ('partial', 'closed') THEN NULL
        WHEN answered.day = ANY(CAST(:spoiled_days AS date []))
            THEN
                answered.hours_present
                || ' of '
                || answered.hours_expected
                || ' hours are stored, the others were rejected: isobar quarantine show solar'
        WHEN answered.hours_present = 24 AND answered.hours_expected = 25
            THEN '24 of 25 hours were received. The local hour that occurs twice was received once;'
            ' times with a UTC offset would show which one'
        ELSE answered.hours_present || ' of ' || answered.hours_expected || ' hours were received'
    END,
    CASE
        WHEN answered.status = 'partial' AND NOT answered.is_due THEN answered.retry_before
        WHEN answered.status = 'partial'
            THEN :now + least(interval '10 minutes' * power(4, answered.tries - 1), interval '7 days')
        WHEN
            answered.status = 'empty'
            AND (
                answered.day >= CAST(:today AS date) - 7
                OR (
                    (answered.hours_of_others > 0 OR EXISTS (SELECT FROM kept))
                    AND answered.tries <= 2
                )
            )
            THEN :now + interval '1 day'
    END
FROM (
    SELECT
        days_now.*,
        tried.tries,
        tried.is_due,
        CASE
            WHEN days_now.found = 'complete' THEN 'complete'
            WHEN
                days_now.status_before = 'closed'
                OR (days_now.found = 'partial' AND tried.is_due AND tried.tries = 10)
                THEN 'closed'
            ELSE days_now.found
        END AS status,
        sum(days_now.hours_present) OVER () AS hours_of_others
    FROM (
        SELECT
            calendar.day,
            calendar.hours_expected,
            coalesce(counted.hours_present, 0) AS hours_present,
            counted.expected_energy_kwh,
            counted.observed_energy_kwh,
            counted.expected_irradiation_wh_per_m2,
            counted.observed_irradiation_wh_per_m2,
            least(coalesce(before.failures, 0), 9) AS failures,
            before.status AS status_before,
            before.retry_at AS retry_before,
            CASE
                WHEN coalesce(counted.hours_present, 0) = calendar.hours_expected THEN 'complete'
                WHEN
                    counted.hours_present > 0 OR calendar.day = ANY(CAST(:spoiled_days AS date []))
                    THEN 'partial'
                ELSE 'empty'
            END AS found
        FROM (
            SELECT
                day,
                solar.hours_of_day(day, :zone) AS hours_expected
            FROM calendar
        ) AS calendar
        LEFT JOIN (
            SELECT
                (read_at AT TIME ZONE :zone)::date AS day,
                count(*) AS hours_present,
                sum(expected_energy_kwh) AS expected_energy_kwh,
                sum(observed_energy_kwh) AS observed_energy_kwh,
                sum(expected_irradiation_wh_per_m2) AS expected_irradiation_wh_per_m2,
                sum(observed_irradiation_wh_per_m2) AS observed_irradiation_wh_per_m2
            FROM solar.readings
            WHERE
                plant_id = :plant_id
                AND read_at >= (SELECT solar.day_begins(min(day), :zone) FROM calendar)
                AND read_at < (SELECT solar.day_begins(max(day) + 1, :zone) FROM calendar)
            GROUP BY 1
        ) AS counted USING (day)
        LEFT JOIN solar.days AS before ON before.plant_id = :plant_id AND calendar.day = before.day
    ) AS days_now
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN days_now.status_before IN (days_now.found, 'closed')
                    THEN days_now.failures + due.is_due::integer
                ELSE 1
            END AS tries,
            due.is_due
        FROM (
            SELECT
                days_now.found <> 'partial'
                OR days_now.status_before <> 'partial'
                OR coalesce(days_now.retry_before <= :now, TRUE) AS is_due
        ) AS due
    ) AS tried
) AS answered
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
