"""The requirements are answered by what there is, and the queries of the README answer."""

import re
from pathlib import Path

import click
import psycopg

from pipelines.cli.main import isobar
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import OURS, PROJECT
from pipelines_tests.sources.flights.made_up import MONDAY, deliver, flights_document, itinerary
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.shipments.made_up import line

REQUIREMENTS = PROJECT / "docs" / "requirements.md"
#: Its tests are those of the kit.
OF_KIT = "pipelines_tests/source_contract/test_loads.py"
LAST_IDS = {"F": 57, "E": 62, "H": 46, "T": 48, "P": 62}


def rows() -> list[tuple[str, str]]:
    """Each row of the requirements' tables: its id or range of ids, and its answer."""
    lines = REQUIREMENTS.read_text().splitlines()
    cells = [line.strip("|").split("|") for line in lines if re.match(r"\| [A-Z]\d\d", line)]
    return [(row[0].strip(), row[-1].strip()) for row in cells]


def named(answer: str) -> list[str]:
    return re.findall(r"`([^`]+)`", answer)


def test_every_requirement_has_exactly_one_row() -> None:
    found: list[str] = []
    for ids, _ in rows():
        first, _, last = ids.partition("\u2013")
        span = range(int(first[1:]), int((last or first)[1:]) + 1)
        found += [f"{first[0]}{number:02}" for number in span]
    expected = [f"{letter}{n:02}" for letter, last in LAST_IDS.items() for n in range(1, last + 1)]
    assert sorted(found) == sorted(expected)
    assert len(expected) == 275


def test_every_requirement_names_evidence_or_explains_its_absence() -> None:
    empty = [
        ids
        for ids, answer in rows()
        if not named(answer) and not re.search(r"Not yet|Rejected|there is no", answer)
    ]
    assert empty == []


def test_what_the_requirements_name_exists(owner: psycopg.Connection) -> None:
    commands = commands_of(isobar)
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    missing = []
    for ids, answer in rows():
        for name in named(answer):
            path, _, test = name.partition("::")
            if name.startswith("isobar "):
                exists = name.removeprefix("isobar ") in commands
            elif name.startswith("make "):
                exists = name.split()[1] in targets
            elif test:
                kit = "pipelines/testing/suite.py" if path == OF_KIT else path
                exists = f"def {test}(" in (PROJECT / kit).read_text()
            elif re.search(r"/|^\.|\.(md|ya?ml|toml)$|^Dockerfile$", name):
                exists = (PROJECT / path).exists()
            elif "." in name:
                query = "SELECT to_regclass(%s) IS NOT NULL OR to_regproc(%s) IS NOT NULL"
                exists = owner.execute(query, [name, name]).fetchone() == (True,)
            else:
                exists = name in OURS or column_exists(owner, answer, name)
            if not exists:
                missing.append(f"{ids}: {name}")
    assert missing == []


def column_exists(owner: psycopg.Connection, answer: str, column: str) -> bool:
    query = "SELECT FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s"
    relations = [name for name in named(answer) if re.fullmatch(r"[a-z]+\.[a-z_]+", name)]
    return any(owner.execute(query, [name, column]).fetchone() is not None for name in relations)


def commands_of(group: click.Group, prefix: str = "") -> set[str]:
    found: set[str] = set()
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.add(f"{prefix}{name}")
        if isinstance(command, click.Group):
            found |= commands_of(command, f"{prefix}{name} ")
    return found


def test_the_queries_of_the_readme_answer(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    server: Connections,
    database: str,
    tmp_path: Path,
) -> None:
    itineraries = [itinerary(n, [1, 2 + n % 2], price=f"£{100 + n}") for n in range(1, 26)]
    document = flights_document(itineraries)
    for flown in document["legs"]:  # what has departed is not on offer
        times = {name: flown[name].replace("2026", "2099") for name in flown if "_time" in name}
        flown |= times
    deliver(warehouse, MONDAY, document)
    lines = [line(n, status="scanned" if n % 2 else "delivery") for n in range(60)]
    shipments.deliver(warehouse, tmp_path, lines)
    put_places(warehouse)
    owner.execute(
        """
        WITH stated AS (
            INSERT INTO weather.api_requests
                (request_id, place_id, provider, kind, requested_at, outcome, cost)
            SELECT gen_random_uuid(), place_id, 'x', 'observation', now(), 'success', 1
            FROM weather.places WHERE place_key = 'FR 75001' RETURNING place_id)
        INSERT INTO weather.observations (place_id, provider, observed_at, fetched_at, delay_risk)
        SELECT place_id, 'x', now() - interval '7 minutes', now(), 'snow' FROM stated
        """
    )
    owner.execute("INSERT INTO solar.plants (name) VALUES ('Sierra')")
    answers: dict[str, list[tuple[object, ...]]] = {}
    blocks = re.findall(r"```sql\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    statements = [one for block in blocks for one in block.split(";") if "SELECT" in one]
    with psycopg.connect(server.url(ANALYST, database), autocommit=True) as analyst:
        for statement in statements:
            title = re.sub(r"\s+", " ", statement.strip().removeprefix("-- "))
            answers[title] = analyst.execute(statement.encode()).fetchall()

    def answer(beginning: str) -> list[tuple[object, ...]]:
        return next(rows for title, rows in answers.items() if title.startswith(beginning))

    assert len(answers) == 3
    assert [row[0::5] for row in answer("Expected and observed energy")] == [("Sierra", 24)] * 7
    assert [row[0] for row in answer("The cheapest")] == [f"it_{n}" for n in range(11, 21)]
    (risk, *_) = answer("Parcels on their way")
    assert (risk[1], risk[5]) == ("snow", 7)
