"""What the statements of a source may not do, whatever they try."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from pipelines.failures import DatabaseError, Failure, PermanentFailure, TransientFailure
from pipelines.ingest import statements
from pipelines.ingest.load import Load
from pipelines.ingest.runner import Runner
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.ingest.levels import Levels, Owner, line, merged

#: Statements, and what is said of each.
HOSTILE = {
    "others' rows": ("DELETE FROM bookings.events", "denied for table events"),
    "the ledger": ("UPDATE ops.deliveries SET read_count = 9", "denied for table deliveries"),
    "the quarantine": ("DELETE FROM ops.quarantine", "denied for table quarantine"),
    "a commit": ("COMMIT", "would end the transaction"),
    "a rollback": ("ROLLBACK", "would end the transaction"),
    "a savepoint": ("SAVEPOINT here", "would end the transaction"),
    "a commit in a block": ("DO 'BEGIN COMMIT; END'", "would end the transaction"),
    "the role of before": ("RESET ROLE", "would change the role"),
    "another role": ("SET ROLE isobar_loader", "would change the role"),
    "another role in a block": ("DO 'BEGIN SET ROLE isobar_owner; END'", "would change the role"),
    "the session": ("SET SESSION AUTHORIZATION DEFAULT", "would change the role"),
    "a setting": ("SELECT set_config('role', 'isobar_loader', false)", "would change the role"),
    "no triggers": ("SET session_replication_role = replica", "denied to set parameter"),
    "two in one": ("SELECT 1; DELETE FROM bookings.events", "several statements in one line"),
    "a lock": ("SELECT pg_advisory_lock(1) IS NULL", "denied for function pg_advisory_lock"),
    "a program": ("COPY bookings.levels TO PROGRAM 'true'", "denied to COPY"),
    "a file": ("COPY bookings.levels TO '/tmp/levels'", "denied to COPY"),
    "the function of others": (
        "SELECT * FROM as_source.flights('SELECT 1', true) AS found (x integer)",
        "denied for schema as_source",
    ),
    "a table for good": ("CREATE TABLE bookings.mine (x integer)", "denied for schema bookings"),
    "its own function": (
        "ALTER FUNCTION as_source.levels SECURITY INVOKER",
        "denied for schema as_source",
    ),
    "rights to its function": (
        "GRANT EXECUTE ON FUNCTION as_source.levels TO PUBLIC",
        "denied for schema as_source",
    ),
    "a temporary table": ("CREATE TEMP TABLE mine (x integer)", "denied"),
}
#: What a statement does wrong, which failure that is, and what PostgreSQL says.
WRONG: Mapping[str, tuple[str, type[Failure], str]] = {
    "a syntax error": ("SELEKT 1", DatabaseError, "syntax error"),
    "an unknown column": ("SELECT nothing", DatabaseError, 'column "nothing" does not exist'),
    "an unknown table": ("TABLE bookings.nothing", DatabaseError, "does not exist"),
    "a null": ("UPDATE bookings.levels SET level = NULL", PermanentFailure, "not-null constraint"),
    "a key twice": (
        "UPDATE bookings.levels SET station = 'B', read_at = now()",
        PermanentFailure,
        "violates unique constraint",
    ),
    "a division": ("SELECT 1 / (level - level) FROM bookings.levels", PermanentFailure, "by zero"),
    "a value": ("SELECT CAST('x' AS integer)", PermanentFailure, "invalid input syntax"),
    "an error of its own": (
        "DO $$ BEGIN RAISE 'no' USING HINT = 'Ask the mill.'; END $$",
        DatabaseError,
        "what to do: Ask the mill.",
    ),
    "too much time": (
        "SET LOCAL statement_timeout = 1;\nSELECT pg_sleep(1)::text",
        TransientFailure,
        "statement timeout",
    ),
}
WIPING = """
CREATE FUNCTION {place}.wipe() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN {body}; RETURN new; END $$
"""
BODIES = {
    "DELETE FROM bookings.events": "denied for table events",
    "RESET ROLE": "would change the role",
    "COMMIT": "would end the transaction",
}
TRIGGER = (
    "CREATE TRIGGER wipe BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {place}.wipe()"
)
#: As on a server where Isobar does not own the database.
GRANT = """
DO $$ BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO isobar_source_levels', current_database());
END $$
"""
LATER = """
CREATE CONSTRAINT TRIGGER wipe AFTER INSERT ON later INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION pg_temp.wipe()"""


@pytest.fixture
def levels(guarded: str, stored_levels: Levels) -> Levels:
    """Levels that were loaded before, in a database where sources have only their rights."""
    del guarded
    stored_levels.deliver("before.csv", line("Z", 9))
    return stored_levels


@pytest.fixture
def say(levels: Levels, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the levels loaded with a file of these statements, after they are put."""

    def loaded_with(text: str) -> None:
        monkeypatch.setattr(
            statements,
            "read_sql",
            lambda package, name: text if name == "hostile" else read_sql(package, name),
        )
        merged(levels, "hostile")

    return loaded_with


def assert_nothing_came(levels: Levels) -> None:
    assert levels.rows() == [("Z", 9.0)]
    assert levels.rows("SELECT count(*) FROM ops.deliveries") == [(1,)]
    levels.check()


@pytest.mark.parametrize("tried", HOSTILE)
def test_a_statement_beyond_its_source_fails_the_delivery(
    levels: Levels, say: Callable[[str], None], tried: str
) -> None:
    """Incident: half a delivery was stored, and a plug-in deleted bookings."""
    statement, words = HOSTILE[tried]
    say(statement)
    with pytest.raises(DatabaseError, match=f"sql/hostile.sql.*{words}"):
        levels.deliver("a.csv", line("A", 1), line("B", 2))
    assert_nothing_came(levels)
    merged(levels)
    assert levels.deliver("a.csv", line("A", 1), line("B", 2)) == (2, 2, 0, 0)


@pytest.mark.parametrize("wrong", WRONG)
def test_an_error_of_a_statement_names_its_file(
    levels: Levels, say: Callable[[str], None], wrong: str
) -> None:
    """Incident: of a hundred files, somebody had to guess the one that failed."""
    statement, kind, words = WRONG[wrong]
    say(statement)
    with pytest.raises(kind) as failed:
        levels.deliver("a.csv", line("A", 1))
    assert type(failed.value) is kind
    message = str(failed.value)
    assert message.startswith("levels: sql/hostile.sql failed, and nothing was written: ")
    assert words in message
    assert "what to do: " in message
    if kind is PermanentFailure:  # of this file's values
        assert str(levels.folder / "a.csv") in message
    assert_nothing_came(levels)


def test_an_error_of_a_query_of_the_feed_names_its_file(
    levels: Levels, say: Callable[[str], None]
) -> None:
    say("SELECT nothing")
    queries: tuple[dict[str, Any], ...] = (
        {"context": {"x": "hostile"}},
        {"guard": "hostile"},
        {"unchanged": "hostile"},
        {"corrected": "hostile"},
    )
    merged(levels)
    for one in queries:
        feed = replace(levels.runner.feed, **one)
        levels.runner = Runner(Owner(), feed, levels.warehouse, None)
        with pytest.raises(DatabaseError, match=r"sql/hostile.sql failed.*nothing.* not exist"):
            levels.deliver("a.csv", line("A", 1))


def test_an_error_of_a_policy_says_so(levels: Levels) -> None:
    levels.owner.execute("ALTER TABLE bookings.levels ADD CHECK (level < 100)")
    with pytest.raises(PermanentFailure, match=r"its policy failed.*violates check constraint"):
        levels.deliver("a.csv", line("A", 100))
    assert_nothing_came(levels)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("policy", ["Merge", "Latest"])
def test_a_trigger_on_its_table_has_no_more_rights(
    levels: Levels, owner: psycopg.Connection, policy: str, body: str
) -> None:
    owner.execute(WIPING.format(place="bookings", body=body).encode())
    owner.execute(TRIGGER.format(table="bookings.levels", place="bookings").encode())
    if policy == "Merge":
        merged(levels)
    with pytest.raises(DatabaseError, match=BODIES[body]):
        levels.deliver("a.csv", line("A", 1))
    assert_nothing_came(levels)


def test_a_trigger_that_waits_for_the_commit_has_no_more_rights(
    levels: Levels, say: Callable[[str], None]
) -> None:
    levels.owner.execute(GRANT.encode())
    wipe = WIPING.format(place="pg_temp", body="DELETE FROM bookings.events")
    say(f"CREATE TEMP TABLE later (x integer);\n{wipe};\n{LATER};\nINSERT INTO later VALUES (1)")
    with pytest.raises(DatabaseError, match="denied for table events"):
        levels.deliver("a.csv", line("A", 1))
    assert_nothing_came(levels)


def test_a_cursor_that_outlives_the_transaction_is_closed(
    levels: Levels, say: Callable[[str], None]
) -> None:
    """Incident: the function of a cursor WITH HOLD was called at the commit, by the loader."""
    wipe = WIPING.format(place="bookings", body="DELETE FROM ops.watermarks").replace(
        "RETURNS trigger", "RETURNS integer"
    )
    levels.owner.execute(wipe.replace("RETURN new", "RETURN 1").encode())
    levels.rows("INSERT INTO ops.watermarks VALUES ('mine', 1) RETURNING name")
    say("DECLARE later CURSOR WITH HOLD FOR SELECT bookings.wipe()")
    levels.deliver("a.csv", line("A", 1))
    assert levels.rows("SELECT name FROM ops.watermarks") == [("mine",)]


def test_a_stage_that_a_statement_replaces_is_not_filled(levels: Levels) -> None:
    """COPY runs as the loader, and so would a trigger on the table that it fills."""
    levels.owner.execute(GRANT.encode())
    impostor = (
        "DISCARD TEMP",
        "CREATE TEMP TABLE stage_levels (station text)",
        WIPING.format(place="pg_temp", body="DELETE FROM bookings.events"),
        TRIGGER.format(table="stage_levels", place="pg_temp"),
    )
    now = dt.datetime.now(dt.UTC)
    with levels.warehouse.transaction("levels") as connection:
        load = Load(
            connection=connection,
            owner=Owner(),
            delivery_id=1,
            seen_at=now,
            changed_at=now,
            is_retry=False,
        )
        load.create_stage("stage_levels", {"station": "text"})
        load.copy("stage_levels", ["station"], [b"A\n"])
        for statement in impostor:
            load.run(statement, {})
        with pytest.raises(PermanentFailure, match="replaced the temporary table stage_levels"):
            load.copy("stage_levels", ["station"], [b"B\n"])


def test_a_session_keeps_no_setting_of_a_statement(
    levels: Levels, say: Callable[[str], None]
) -> None:
    query = "SELECT current_setting('{}')"
    names = ("search_path", "timezone", "statement_timeout", "role")
    with levels.warehouse.engine.connect() as connection:
        before = [connection.exec_driver_sql(query.format(name)).scalar() for name in names]
    settings = "search_path TO bookings", "timezone TO 'Asia/Tokyo'", "statement_timeout TO 9999"
    say(";\n".join(f"SET {one}" for one in settings))
    levels.deliver("a.csv", line("A", 1))
    with levels.warehouse.engine.connect() as connection:
        after = [connection.exec_driver_sql(query.format(name)).scalar() for name in names]
    assert after == before


def test_no_statement_is_prepared_under_a_name_of_the_driver(
    levels: Levels, say: Callable[[str], None]
) -> None:
    """The driver prepares a statement from its fifth execution on, and trusts the name."""
    levels.rows("INSERT INTO ops.watermarks VALUES ('mine', 1) RETURNING name")
    names = [f"_pg3_{number}" for number in range(40)]
    prepared = [f"PREPARE {name} AS DELETE FROM ops.watermarks" for name in names]
    for hour in range(8):
        say(";\n".join(["DEALLOCATE ALL", *prepared]))
        levels.deliver(f"{hour}.csv", line("A", 1, hour))
    merged(levels)
    levels.deliver("after.csv", line("B", 1))
    assert levels.rows("SELECT name FROM ops.watermarks") == [("mine",)]


def test_a_missing_parameter_is_named(levels: Levels, say: Callable[[str], None]) -> None:
    say("SELECT :nothing")
    with pytest.raises(PermanentFailure, match=r"sql/hostile.sql: there is no parameter :nothing"):
        levels.deliver("a.csv", line("A", 1))


def test_texts_of_others_are_no_sql(levels: Levels) -> None:
    """Parameters become literals of a statement, which quotes must not end."""
    hostile = "'); DELETE FROM bookings.levels; --\\' $$ %s :name"
    with levels.warehouse.transaction("levels") as connection:
        found = statements.execute(
            connection, Owner(), "SELECT :said AS said", {"said": hostile}, "a test"
        )
        assert found.scalar_one() == hostile


def test_a_superusers_address_gives_no_more(
    levels: Levels, say: Callable[[str], None], server: Connections, database: str
) -> None:
    with Warehouse(server.url(SUPERUSER, database)) as levels.warehouse:
        say("DELETE FROM bookings.events")
        with pytest.raises(DatabaseError, match="denied for table events"):
            levels.deliver("a.csv", line("A", 1))
        merged(levels)
        levels.deliver("a.csv", line("A", 1))
