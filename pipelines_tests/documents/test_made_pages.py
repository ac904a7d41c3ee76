"""Pages that are made from code and database are what those say now. `make docs` writes them."""

import re

import psycopg

from docs import diagrams, dictionary, reference
from pipelines.definitions import definitions
from pipelines_tests.documents.pages import rows

EVERY_COLUMN = """
SELECT attrelid::regclass || '.' || attname, attname::text, atttypid::regtype::text
FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
WHERE relkind IN ('r', 'v', 'm', 'p') AND attnum > 0 AND NOT attisdropped
  AND relnamespace::regnamespace::text = ANY(%s)
"""
UNIT = (
    "(amount|celsius|cost|days|degrees|feet|hours|hpa|kmh|kwh|kwh_per_kwp|kwh_per_m2|kwp|latitude"
    "|longitude|mm|nights|pct|w_per_m2|wh_per_m2)"
)
#: Of each type of a column what its name has to state; without a unit, the complete name.
NAMED_AS = {
    "timestamp with time zone": "_at$|_until$",
    "timestamp without time zone": "_local$|^local_",
    "date": "_on$|(^|_)day$|_from$|^night_of_stay$",
    "boolean": "^is_|^on_offer$",
    "double precision": f"(^|_){UNIT}$|_rating$"
    "|ratio(_7_days|_30_days)?$|(^|_)availability(_7_days|_30_days)?$|_completeness$",
    "numeric": f"(^|_){UNIT}$|(^|_)price$|^total_value$|_per_kwh$",
}


def test_the_data_dictionary_matches_the_database(owner: psycopg.Connection) -> None:
    assert dictionary.PAGE.read_text() == dictionary.page(owner), "run make docs"


def test_column_names_state_their_unit_or_kind_of_time(owner: psycopg.Connection) -> None:
    columns = owner.execute(EVERY_COLUMN, [list(dictionary.SCHEMAS)]).fetchall()
    assert {type_ for _, _, type_ in columns} >= NAMED_AS.keys()
    misnamed = [
        f"{column} ({type_})"
        for column, name, type_ in columns
        if type_ in NAMED_AS and not re.search(NAMED_AS[type_], name)
    ]
    assert misnamed == []


def test_every_schema_is_in_the_dictionary(owner: psycopg.Connection) -> None:
    schemas = {name for (name,) in owner.execute("SELECT nspname FROM pg_namespace").fetchall()}
    ours = {name for name in schemas if not name.startswith(("pg_", "information_schema"))}
    assert ours - {"public"} == set(dictionary.SCHEMAS)


def test_the_diagrams_are_what_is_declared() -> None:
    assert diagrams.PAGE.read_text() == diagrams.page(definitions), "run make docs"


def names() -> set[str]:
    repository = definitions.get_repository_def()
    found = {key.name for key in repository.asset_graph.asset_check_keys}
    found |= {one.name for one in repository.schedule_defs}
    found |= {one.name for one in repository.sensor_defs}
    return found | {name for name in repository.job_names if not name.startswith("__")}


def test_the_reference_is_what_is_declared() -> None:
    """And with it whatever can turn red has a row with what to do."""
    assert reference.PAGE.read_text() == reference.page(definitions), "run make docs"
    for file, made in (
        (reference.EXAMPLE, reference.example),
        (reference.COMPOSE, reference.compose),
    ):
        assert file.read_text() == made(file.read_text()), f"{file}: run make docs"
    listed = {name for row in rows(reference.PAGE) for name in re.findall(r"^`(\w+)`$", row[0])}
    assert names() - listed == set()
