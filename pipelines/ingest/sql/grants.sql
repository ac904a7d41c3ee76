-- Operators can have rejected files loaded again. Only runs load rejected records again.
GRANT DELETE ON ops.inbox_files TO isobar_operator;
-- Only migrations write the lists of applied SQL files and of what sources have, and the revision.
REVOKE INSERT, UPDATE, DELETE ON ops.sql_objects, ops.source_parts, ops.revision FROM isobar_loader;
