"""What tests need of databases beyond `pipelines.testing.databases`: locks."""

#: How many sessions wait for a lock of the session that runs this query. Sessions of the
#: platform wait for each other's locks for a moment too; those do not count.
WAITING_FOR_THIS_SESSION = (
    "SELECT count(DISTINCT pid) FROM pg_locks"
    " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)
