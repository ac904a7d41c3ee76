-- Which agents are there, and how are they rated?
--
-- name: %.com
SELECT agent, agent_rating
FROM flights.agents
WHERE seen_until_at IS NULL AND agent ILIKE %(name)s
ORDER BY agent_rating DESC NULLS LAST, agent;
