-- What did asking for the weather cost, and what came of it?
--
-- One request may be for many places.
SELECT provider, kind, outcome, count(*) AS places, count(DISTINCT request_id) AS requests,
    round(sum(cost)::numeric, 2) AS cost
FROM weather.api_requests
WHERE requested_at >= (SELECT date_trunc('day', max(requested_at), 'UTC') FROM weather.api_requests)
GROUP BY provider, kind, outcome
ORDER BY provider, kind, outcome;
