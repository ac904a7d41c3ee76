-- How much of each quota is used today, for `isobar status`.
SELECT provider || ': ' || summary AS remark
FROM metrics.weather_quotas
ORDER BY provider, key_digest
