"""The built-in PostgreSQL server, its software and plain connections to any server."""
