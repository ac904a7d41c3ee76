-- What became of the records of a source in the last 30 days, by the day of their delivery.
SELECT
    (loaded_at AT TIME ZONE 'UTC')::date AS day,
    outcome.outcome,
    sum(outcome.records)::integer AS records
FROM ops.deliveries
CROSS JOIN LATERAL (
    VALUES
    ('loaded', loaded_count), ('unchanged', unchanged_count), ('rejected', rejected_count)
) AS outcome (outcome, records)
WHERE feed = ANY(%(feeds)s) AND loaded_at >= now() - interval '30 days'
GROUP BY 1, 2
HAVING sum(outcome.records) > 0
ORDER BY 1, 2
