CREATE OR REPLACE VIEW enriched.agents AS
SELECT agent, agent_rating
FROM flights.agents
WHERE seen_until_at IS NULL;

COMMENT ON VIEW enriched.agents IS 'Agents of the newest document, airlines included, one row each.';
COMMENT ON COLUMN enriched.agents.agent_rating IS
'Rating of the agent, 0 to 10; null if none was sent. If its itineraries differ in it, one of theirs:
enriched.itineraries has each.';
