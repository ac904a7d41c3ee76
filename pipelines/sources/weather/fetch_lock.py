"""The lock of the weather: at most one session requests weather at a time.

A session advisory lock belongs to a connection. PostgreSQL releases it when that connection ends,
so a killed run leaves nothing to clean up.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from sqlalchemy import Connection, text

from pipelines.failures import TransientFailure
from pipelines.warehouse.connection import Warehouse

SOURCE = "weather"
#: Opens a transaction; raises `TransientFailure` if its session is lost.
Transaction = Callable[[], AbstractContextManager[Connection]]
#: Seconds to wait for another run before giving up. Runs stop long before that at the provider's
#: quota, which is per minute.
MAX_WAIT_SECONDS = 600.0
POLL_SECONDS = 0.2
LOCK = "SELECT pg_try_advisory_lock(hashtextextended('isobar weather', 0))"
#: With these, the server notices a lost client machine within a minute; the default is two hours.
KEEPALIVE = (
    "SELECT set_config('tcp_keepalives_idle', '30', false),"
    " set_config('tcp_keepalives_interval', '10', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)


@contextmanager
def fetch_session(store: Warehouse) -> Iterator[Transaction]:
    """Hold the lock, waiting for other runs. Yields a function that opens transactions in it.

    If the session is lost, so is the lock, and another run may begin. All fetched data are written
    in that session, so a late response cannot be written beside the other run's. The lock is
    polled, because a blocked statement would hold a snapshot and so hold back VACUUM.

    Raises:
        TransientFailure: Another run held the lock for `MAX_WAIT_SECONDS`.
    """
    with store.translate_db_errors(SOURCE):
        connection = store.engine.connect()
    try:
        with store.translate_db_errors(SOURCE), connection.begin():
            connection.execute(text(KEEPALIVE))
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while not _try_lock(store, connection):
            if time.monotonic() > deadline:
                raise TransientFailure(
                    SOURCE,
                    f"another run has been fetching the weather for {MAX_WAIT_SECONDS:.0f} s",
                    place=store.place,
                    remedy="See whether that run makes progress; terminate it if it does not.",
                )
            time.sleep(POLL_SECONDS)
        yield partial(store.transaction, SOURCE, connection)
    finally:
        connection.invalidate()  # a pooled connection would keep the lock
        connection.close()


def _try_lock(store: Warehouse, connection: Connection) -> bool:
    with store.translate_db_errors(SOURCE), connection.begin():
        return bool(connection.execute(text(LOCK)).scalar_one())
