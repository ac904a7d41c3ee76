"""The warehouse: connections, COPY, SQL files, schema migrations, backups."""
