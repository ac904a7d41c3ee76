-- Cost of the requests to a provider with one key since an instant.
SELECT coalesce(sum(cost), 0) AS cost
FROM weather.api_requests
WHERE provider = :provider AND key_digest = :key_digest AND requested_at >= :since
