-- Operators have rejected files loaded again. To load rejected records again is what runs do.
GRANT DELETE ON ops.inbox_files TO isobar_operator;
-- What is applied is written by migrations alone.
REVOKE INSERT, UPDATE, DELETE ON ops.sql_objects FROM isobar_loader;
