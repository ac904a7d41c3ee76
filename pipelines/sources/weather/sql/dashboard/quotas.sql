-- Requests of today, by provider, the fullest quota first.
SELECT provider, requests_used, requests_per_day, summary
FROM metrics.weather_quotas
ORDER BY requests_used::double precision / requests_per_day DESC, provider, key_digest;
