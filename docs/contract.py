"""pipelines_tests/public_contract.txt: what people may build on, a line a column and argument.

`make docs` adds what is new to it. It takes nothing out: what is gone, or of another type, stays in
the file, and a test fails, until someone deletes the line by hand, who knows that it breaks what
others have built.
"""

import re
from pathlib import Path

import psycopg

from docs.dictionary import OF_SOURCES

FILE = Path(__file__).parent.parent / "pipelines_tests" / "warehouse" / "public_contract.txt"
SCHEMAS = ("enriched", "metrics")
OTHERS = (
    "bookings.events",
    "bookings.hotels",
    "flights.agents",
    "flights.airlines",
    "flights.airports",
    "flights.directions",
    "ops.deliveries",
    "ops.quarantine",
    "ops.quarantine_summary",
    "shipments.status_history",
    "solar.corrections",
    "solar.coverage",
    "solar.gaps",
    "solar.missing_hours",
    "solar.plants",
    "solar.readings",
    "solar.syncs",
    "weather.api_requests",
    "weather.correct_place",
    "weather.distance_km",
    "weather.hourly",
    "weather.observations",
    "weather.place_key",
    "weather.places",
)
"""What the SQL in our pages asks of other schemas."""
LINES = """
SELECT format('%%s.%%s.%%s', nspname, relname, attname) AS name,
    format_type(atttypid, atttypmod) AS type
FROM pg_attribute
JOIN pg_class ON attrelid = pg_class.oid
JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE relkind IN ('r', 'v', 'm') AND attnum > 0 AND NOT attisdropped
    AND (nspname = ANY(%(schemas)s) OR nspname || '.' || relname = ANY(%(others)s))
UNION ALL
SELECT CASE WHEN coalesce(mode, 'i') IN ('i', 'b', 'v')
    THEN format('%%s.%%s(%%s: %%s)', nspname, proname, place, argument)
    ELSE format('%%s.%%s() -> %%s', nspname, proname, argument) END,
    format_type(type, NULL)
    || CASE WHEN place BETWEEN pronargs - pronargdefaults + 1 AND pronargs THEN ', optional'
        ELSE '' END
FROM pg_proc
JOIN pg_namespace ON pronamespace = pg_namespace.oid,
LATERAL unnest(coalesce(proallargtypes, proargtypes::oid[]), proargmodes, proargnames)
    WITH ORDINALITY AS part (type, mode, argument, place)
WHERE prorettype <> 'trigger'::regtype
    AND (nspname = ANY(%(schemas)s) OR nspname || '.' || proname = ANY(%(others)s))
UNION ALL
SELECT format('%%s.%%s()', nspname, proname),
    CASE WHEN proretset THEN 'rows' ELSE format_type(prorettype, NULL) END
FROM pg_proc JOIN pg_namespace ON pronamespace = pg_namespace.oid
WHERE prorettype <> 'trigger'::regtype
    AND (nspname = ANY(%(schemas)s) OR nspname || '.' || proname = ANY(%(others)s))
"""
Contract = dict[str, str]
"""Types by the names of columns, arguments and results."""


def of_database(connection: psycopg.Connection) -> Contract:
    """What a database offers."""
    asked = {"schemas": list(SCHEMAS), "others": list(OTHERS)}
    return dict(connection.execute(LINES, asked).fetchall())


def promised() -> Contract:
    """What the file promises."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    return dict(line.split(" | ", 1) for line in lines)


def as_text(contract: Contract) -> str:
    """The file with these."""
    return "".join(f"{name} | {kind}\n" for name, kind in sorted(contract.items()))


def document(connection: psycopg.Connection) -> str:
    """The file with what is new in the database, and all that was promised before."""
    return as_text(of_database(connection) | promised())


def broken(promise: Contract, offered: Contract) -> list[str]:
    """What is not as promised, and what to do about it."""
    gone = [
        f"{name} was {kind}, and is {offered.get(name, 'gone')}: somebody's query or dashboard"
        " breaks. Leave it as it was and put what is new beside it, by another name. If it has to"
        f" be, delete its line in {FILE.name}, run make docs, and name it in CHANGELOG.md."
        for name, kind in promise.items()
        if offered.get(name) != kind
    ]
    new = sorted(offered.keys() - promise.keys())
    return gone + [f"{name} is new: make docs adds it to {FILE.name}." for name in new]


def named_in(sql: str) -> set[str]:
    """Return the relations and functions in SQL of schemas that are not public as a whole."""
    return set(re.findall(rf"\b(?:{'|'.join(OF_SOURCES)}|ops)\.[a-z_]+\b", sql))
