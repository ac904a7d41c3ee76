-- What a provider's allowance has given since an instant.
SELECT coalesce(sum(cost), 0) AS cost
FROM weather.calls
WHERE provider = :provider AND called_at >= :since
