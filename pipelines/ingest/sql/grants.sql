-- Operators can have rejected files loaded again. Only runs load rejected records again.
GRANT DELETE ON ops.inbox_files TO isobar_operator;
-- Only migrations write the list of applied SQL files, and the revision.
REVOKE INSERT, UPDATE, DELETE ON ops.sql_objects, ops.revision FROM isobar_loader;
