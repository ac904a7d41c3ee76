-- What requests to a provider have cost since an instant.
SELECT coalesce(sum(cost), 0) AS cost
FROM weather.api_requests
WHERE provider = :provider AND requested_at >= :since
