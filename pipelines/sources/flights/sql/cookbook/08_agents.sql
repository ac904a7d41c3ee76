-- Which agents are there, and how are they rated?
--
-- Filter by a part of the name; `%` is every name.
--
-- name: %
SELECT agent, agent_rating
FROM enriched.agents
WHERE agent ILIKE %(name)s
ORDER BY agent_rating DESC NULLS LAST, agent;
