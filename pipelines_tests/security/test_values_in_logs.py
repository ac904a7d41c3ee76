"""Keys and addresses of persons stay out of the log of a run that the database ends."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.command import isobar
from pipelines_tests.sources.shipments.made_up import line, text_of

SECRET = "Ada Lovelace Lane"
ADDRESS = f"{SECRET} 7, 75001 Paris, France"
#: What makes PostgreSQL quote a row or a value in its error, its detail or its context.
QUOTING = {
    "a key that exists": "CREATE UNIQUE INDEX ON shipments.shipments (receiver_address)",
    "a row that a constraint rejects": """
        ALTER TABLE shipments.shipments ADD CHECK (receiver_address NOT LIKE 'Ada%')""",
    "a value of another type": """
        CREATE INDEX ON shipments.shipments (CAST(receiver_address AS integer))""",
    "an error of another kind": """
        CREATE FUNCTION shipments.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        EXECUTE format('SELECT %L::xml FROM gone', new.receiver_address); RETURN new; END $$;
        CREATE TRIGGER fault BEFORE INSERT ON shipments.shipments
        FOR EACH ROW EXECUTE FUNCTION shipments.fault()""",
}
TABLES = """
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


@pytest.fixture
def dagster(server: Connections, database: str) -> Iterator[str]:
    """The URL of Dagster's database, which the command makes beside that of the test."""
    name = f"{database}_dagster"
    yield server.url(SUPERUSER, name)
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        drop = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
        connection.execute(sql.SQL(drop).format(sql.Identifier(name)))


def texts_of(url: str, schema: str | None = None) -> Iterator[str]:
    """Yield each row of the tables of a database, or of one schema, as text."""
    with psycopg.connect(url) as connection:
        for name in connection.execute(TABLES).fetchall():
            if schema in (None, name[0]):
                table = sql.Identifier(*name)
                query = sql.SQL("SELECT CAST(found AS text) FROM {} AS found").format(table)
                yield from (text for (text,) in connection.execute(query))


@pytest.mark.parametrize("what", QUOTING)
def test_no_log_of_a_run_quotes_a_row(
    server: Connections, database: str, dagster: str, tmp_path: Path, what: str
) -> None:
    """Incident: PostgreSQL's details and the parameters of statements were in them."""
    url = server.url(SUPERUSER, database)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(QUOTING[what].encode())
    state, file = tmp_path / "state", tmp_path / "a.csv"
    file.write_text(text_of([line(number, receiver_address=ADDRESS) for number in (1, 2)]))
    variables = {"ISOBAR_SOURCES": "live", "DATABASE_URL": url}
    done = isobar(state, "import", "shipments", str(file), **variables)
    assert done.returncode == 1
    assert "what to do" in done.stdout
    shown = {"stdout": done.stdout, "stderr": done.stderr}
    shown |= {"dagster": "\n".join(texts_of(dagster)), "ops": "\n".join(texts_of(url, "ops"))}
    for one in state.rglob("*"):
        if one.is_file():
            shown[str(one)] = one.read_text(errors="replace")
    assert [name for name, text in shown.items() if SECRET in text] == []
    assert "hide_parameters" in shown["dagster"], "the statement is in the log, at level DEBUG"
    with psycopg.connect(url) as owner:
        (stored,) = owner.execute("SELECT count(*) FROM shipments.shipments").fetchone() or ()
    assert stored == 0
