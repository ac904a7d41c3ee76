"""Files of an inbox that the database does not take: what is tried again, set aside or waits."""

import os

import psycopg
import pytest

from pipelines.failures import DatabaseError, Failure, TransientFailure
from pipelines.ingest import inbox as inboxes
from pipelines.ingest.file_loader import load_file, load_files
from pipelines.ingest.inbox import Inbox, inspect_file
from pipelines.ingest.load import Load
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.ingest.levels import HEADER, Levels, line, stepwise

#: Something that the server does whenever a row of station X is stored.
TRIGGER = """
CREATE SEQUENCE bookings.times;
GRANT ALL ON bookings.times TO isobar_loader;
CREATE FUNCTION bookings.fault() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {}; RETURN new; END $$;
CREATE TRIGGER fault BEFORE INSERT ON bookings.levels
FOR EACH ROW WHEN (new.station LIKE 'X%') EXECUTE FUNCTION bookings.fault()
"""
#: An index with a long text for each row of station X.
INDEX = """
CREATE FUNCTION bookings.long(station text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
SELECT string_agg(md5(n::text), '') FROM generate_series(1, 200) AS n WHERE station LIKE 'X%' $$;
CREATE INDEX of_text ON bookings.levels (bookings.long(station))
"""
RAISE = "RAISE 'could not read block 7: %', 'bad luck' USING ERRCODE = '{}'"
#: A lost connection: the server ends the session in the middle.
END_SESSION = "PERFORM pg_terminate_backend(pg_backend_pid())"
ONCE = "IF nextval('bookings.times') = 1 THEN {}; END IF"
REJECTED = "SELECT name FROM ops.inbox_files WHERE sha256 IS NULL ORDER BY 1"
NOTED = "SELECT name, problem FROM ops.deliveries WHERE problem IS NOT NULL"


class Box:
    """An inbox of levels; files are as old as they were put there one after the other."""

    def __init__(self, levels: Levels) -> None:
        self.levels, self.put = levels, 0
        self.folder = levels.folder / "inbox"
        self.folder.mkdir()
        self.inbox = Inbox("levels", self.folder, "LEVELS_INBOX", "utf-8", cut_seconds=0)

    def drop(self, *names: str, station: str | None = None) -> None:
        """Put files there with one level, whose station is their name."""
        for name in names:
            self.put += 1
            file = self.folder / f"{name}.csv"
            file.write_text(f"{HEADER}{line(station or name, 1)}\n")
            os.utime(file, (self.put, self.put))

    def server_does(self, what: str) -> None:
        self.levels.owner.execute(TRIGGER.format(what).encode())

    def look(self) -> list[str]:
        """Load what is ready; return the problems of files that were rejected."""
        files, _ = self.inbox.ready(self.levels.warehouse, wait_seconds=5)
        return [one.problem for one in load_files(self.levels.runner, self.inbox, files)[1]]

    def stations(self) -> list[str]:
        return [station for station, _ in self.levels.rows()]

    def rejected(self) -> list[str]:
        return [name for (name,) in self.levels.rows(REJECTED)]


@pytest.fixture
def box(stored_levels: Levels, monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.0)
    return Box(stored_levels)


def test_a_row_that_no_index_takes_rejects_its_file_alone(box: Box) -> None:
    """Incident: it was taken for a server that is away, and the inbox stopped at it for ever."""
    box.levels.owner.execute(INDEX.encode())
    box.drop("X", "B", "C")
    (problem,) = box.look()
    assert "index row size" in problem
    assert "of_text" in problem
    assert box.stations() == ["B", "C"]
    assert box.rejected() == ["X.csv"]
    assert box.levels.rows(NOTED) == [("X.csv", problem)]
    assert box.look() == []
    box.drop("X", station="A")
    assert box.look() == []
    assert (box.stations(), box.rejected()) == (["A", "B", "C"], [])
    box.levels.check()


@pytest.mark.parametrize("what", [RAISE.format("XX001"), RAISE.format("40001"), END_SESSION])
def test_a_file_that_fails_again_while_others_load_is_set_aside(box: Box, what: str) -> None:
    """Incident: good files waited for ever behind one that no server could store."""
    box.server_does(what)
    box.drop("A", "X", "B")
    (problem,) = box.look()
    words = "terminating connection" if what == END_SESSION else "could not read block 7: bad luck"
    assert words in problem
    assert box.stations() == ["A", "B"]
    assert box.rejected() == ["X.csv"]
    assert box.levels.rows(NOTED) == [("X.csv", problem)]
    box.drop("C")
    assert box.look() == []
    assert box.stations() == ["A", "B", "C"]
    box.levels.owner.execute("DROP TRIGGER fault ON bookings.levels")
    box.levels.runner.retry()
    assert box.look() == []
    assert (box.stations(), box.rejected()) == (["A", "B", "C", "X"], [])
    box.levels.check()


@pytest.mark.parametrize("what", [RAISE.format("40001"), END_SESSION])
def test_a_file_that_fails_once_is_loaded_by_the_same_run(box: Box, what: str) -> None:
    box.server_does(ONCE.format(what))
    box.drop("X", "B")
    assert box.look() == []
    assert (box.stations(), box.rejected()) == (["B", "X"], [])
    assert box.levels.rows(NOTED) == []
    box.levels.check()


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        (RAISE.format("53100"), TransientFailure),
        (RAISE.format("XX001"), DatabaseError),
        (END_SESSION, TransientFailure),
    ],
)
@pytest.mark.parametrize("names", [("X", "X2"), ("A", "X"), ("X",)])
def test_no_file_is_set_aside_if_nothing_loads_after_it(
    box: Box, what: str, kind: type[Failure], names: tuple[str, ...]
) -> None:
    """The server may have gone away meanwhile, or may take no load at all."""
    box.server_does(what)
    box.drop(*names)
    with pytest.raises(kind):
        box.look()
    assert (box.rejected(), box.levels.rows(NOTED)) == ([], [])
    box.levels.owner.execute("DROP TRIGGER fault ON bookings.levels")
    assert box.look() == []
    assert box.stations() == sorted(names)


def test_a_file_without_rows_does_not_show_that_the_server_takes_loads(box: Box) -> None:
    """A right is missing: each file with rows fails, and none of them is at fault."""
    box.levels.owner.execute("REVOKE INSERT ON bookings.levels FROM isobar_loader")
    box.drop("A", "B")
    (box.folder / "empty.csv").write_text(HEADER)
    with pytest.raises(DatabaseError, match="permission denied"):
        box.look()
    assert (box.rejected(), box.levels.rows(NOTED)) == ([], [])
    box.levels.owner.execute("GRANT INSERT ON bookings.levels TO isobar_loader")
    assert box.look() == []
    assert box.stations() == ["A", "B"]


def test_a_server_that_is_away_is_not_tried_for_each_file(
    box: Box, server: Connections, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection may take ten seconds to fail, and an inbox may have a thousand files."""
    box.drop("A", "B", "C")
    files, _ = box.inbox.ready(box.levels.warehouse, wait_seconds=5)
    box.levels.warehouse.dispose()
    close = f"ALTER DATABASE {database} ALLOW_CONNECTIONS"
    postgres = psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True)
    postgres.execute(f"{close} false".encode())
    with pytest.raises(TransientFailure, match="not currently accepting connections"):
        load_files(box.levels.runner, box.inbox, files)
    assert caplog.messages == [], "each file that is tried and not taken is logged"
    postgres.execute(f"{close} true".encode())
    postgres.close()
    assert (box.rejected(), box.look()) == ([], [])
    assert box.stations() == ["A", "B", "C"]


def test_a_failover_that_ends_in_a_standby_rejects_no_file(box: Box) -> None:
    """Incident: a good file was marked rejected: its load had ended on a standby."""
    seen = list[int]()

    def fail_over(load: Load) -> None:
        seen.append(load.delivery_id)
        if len(seen) == 1:
            load.connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    stepwise(box.levels, fail_over)
    box.drop("A")
    file = inspect_file("levels", box.folder / "A.csv")
    with pytest.raises(TransientFailure, match="read-only"):
        load_file(box.levels.runner, file, box.inbox)
    assert (box.rejected(), box.levels.rows(NOTED)) == ([], [])
    assert box.look() == []
    assert box.stations() == ["A"]
