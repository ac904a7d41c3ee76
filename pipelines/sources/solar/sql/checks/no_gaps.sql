SELECT plant_id, plant_name, status, first_day, last_day, days, hours_missing, problem, retry_at
FROM solar.gaps
WHERE status IN ('partial', 'failed', 'empty')
ORDER BY last_day DESC, plant_id
