-- Execute statements as another role, within a function that runs as its owner: there, PostgreSQL
-- rejects whatever changes the role, which code of that role could otherwise undo. Nor does a trigger
-- or a cursor wait for the commit. The session's own user may give the function away, and may then
-- execute it.
CREATE FUNCTION as_source.as_other(statements text) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'BEGIN EXECUTE statements; SET CONSTRAINTS ALL IMMEDIATE; END';
REVOKE ALL ON FUNCTION as_source.as_other(text)
FROM PUBLIC, isobar_loader, isobar_analyst, isobar_operator;
GRANT EXECUTE ON FUNCTION as_source.as_other(text) TO SESSION_USER;
GRANT CREATE ON SCHEMA as_source TO {owner};
SET LOCAL ROLE NONE;
ALTER FUNCTION as_source.as_other(text) OWNER TO {owner};
SET LOCAL ROLE isobar_owner;
REVOKE CREATE ON SCHEMA as_source FROM {owner};
SET LOCAL ROLE NONE;
SELECT as_source.as_other({statements});
CLOSE ALL;
SET LOCAL ROLE isobar_owner;
DROP FUNCTION as_source.as_other(text);
