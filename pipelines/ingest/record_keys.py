"""Keys of records: which quarantined record a later one is, as far as both say so.

A key of rows by table is the table and the texts of its primary key, as PostgreSQL formats them. A
parser reads the key of a bad record from those of its values that are valid by themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from psycopg.sql import Literal
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from pipelines.ingest.deliveries import resolve_quarantined
from pipelines.ingest.feeds import Insert
from pipelines.ingest.models import is_reshaping, sent_as, text_of
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pipelines.ingest.contract import Reject
    from pipelines.ingest.load import Load

Key = tuple[str, ...]
#: What PostgreSQL cannot store in a text.
UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
#: Of an index of PostgreSQL, which holds a third of a page.
MAX_KEY_BYTES = 2_500


@cache
def key_reader(
    model: type[BaseModel], table: str, names: tuple[str, ...]
) -> Callable[[Any], Key | None]:
    """Return a function that reads the key of a record which its model may reject.

    `names` are the columns of the table's primary key. The key is None if the model has no field
    for one of them, or if its value is not valid.
    """
    from pydantic import create_model, model_validator

    fields = model.model_fields
    if not names or not set(names) <= set(fields):
        return lambda _: None
    others: dict[str, Any] = {name: (Any, None) for name in fields if name not in names}
    # Rules about several fields would miss the other values.
    rules = model.__pydantic_decorators__.model_validators
    after = [name for name, one in rules.items() if one.info.mode == "after"]
    none: dict[str, Any] = {name: model_validator(mode="after")(_same) for name in after}
    part = create_model(f"KeyOf{model.__name__}", __base__=model, __validators__=none, **others)
    reshapes = is_reshaping(model)
    sent = {path[0] for name in names for path in sent_as(fields[name], name)}

    def read(record: Any) -> Key | None:
        try:
            some = {name: record[name] for name in sent if not reshapes and name in record}
            valid = part.model_validate(deepcopy(record) if reshapes else some)
        except Exception:  # noqa: BLE001 - a validator of the model may raise anything
            return None
        values = [getattr(valid, name) for name in names]
        key = table, *map(text_of, values)
        is_key = all(value is not None for value in values) and is_short(*key)
        return key if is_key and not any(map(UNSTORABLE.search, key)) else None

    return read


def is_short(*texts: str) -> bool:
    """Return whether texts fit into an index, and so can be a key."""
    return sum(len(text.encode("utf-8", "replace")) for text in texts) <= MAX_KEY_BYTES


def _same(record: Any) -> Any:
    return record


def with_stored_keys(load: Load, rejects: Sequence[Reject]) -> list[Reject]:
    """Return rejects with the keys of the source's tables formatted by PostgreSQL.

    One that is not of the types of the table's primary key is None.
    """
    found, places = [*rejects], defaultdict[str, list[int]](list)
    for place, one in enumerate(rejects):
        if one.key and one.key[0] in load.owner.metadata.tables:
            places[one.key[0]].append(place)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for name, mine in places.items():
        types = [one.type.compile(dialect) for one in load.owner.metadata.tables[name].primary_key]
        statement = read_sql("pipelines.ingest", "stored_keys").format(
            table=name,
            is_valid=" AND ".join(
                f"pg_input_is_valid(sent.key_{n}, {Literal(kind).as_string()})"
                for n, kind in enumerate(types)
            ),
            texts=", ".join(
                f"CAST(CAST(sent.key_{n} AS {kind}) AS text)" for n, kind in enumerate(types)
            ),
            arrays=", ".join(f"CAST(:key_{n} AS text [])" for n in range(len(types))),
            names=", ".join(f"key_{n}" for n in range(len(types))),
        )
        columns = zip(*(found[place].key[1:] for place in mine), strict=True)  # type: ignore[index]
        values = {f"key_{n}": [*column] for n, column in enumerate(columns)}
        for place, key in zip(mine, load.run(statement, values).scalars(), strict=True):
            found[place] = replace(found[place], key=key and tuple(key))
    return found


def resolve_corrected(load: Load, keys: Sequence[str], *, again: Sequence[str]) -> None:
    """Remove the records from quarantine that earlier deliveries rejected and this one corrects.

    They are those in `corrected`, and those whose key a staged record has; `keys` are the queries
    of the keys of staged records. `again` are texts that the delivery sent once more.
    """
    values = {"feed": load.feed.name, "delivery_id": load.delivery_id}
    if keys:
        # With Insert, that the first row comes once more does not say which one is right.
        with_final = not isinstance(load.feed.load, Insert)
        statement = read_sql("pipelines.ingest", "corrected_records")
        statement = statement.format(staged=" UNION ALL ".join(keys))
        load.run(statement, values | {"with_final": with_final})
    query = text(read_sql("pipelines.ingest", "of_other_deliveries"))
    found = load.connection.execute(query, values | {"again": [*again]})
    resolve_quarantined(load.connection, found.scalars().all())
