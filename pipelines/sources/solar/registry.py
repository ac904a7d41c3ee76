"""The registry of solar plants: register, rename, move, rate, retire, delete, list.

The rules are the constraints and triggers of `solar.plants`, so that plain SQL satisfies them, too.
What a plant cannot have, or a plant that does not exist, is a `PermanentFailure`.
"""

import datetime as dt
import unicodedata
from collections.abc import Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, Connection, Numeric, Row, cast, func, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.ingest.statements import execute_file
from pipelines.sources.solar import source
from pipelines.sources.solar.tables import plants, readings
from pipelines.warehouse.connection import Warehouse

SOURCE = "solar plants"
MAX_CHARACTERS = 50
LIST = "isobar plants list shows all plants."
#: What constraints mean; coordinates are checked by the command.
CONSTRAINT_ERRORS = {
    "plants_name_key": "the name is taken",
    "plants_name_check": f"a name has {MAX_CHARACTERS} characters at most and is not empty",
    "plants_capacity_kwp_check": "a capacity is a number of kWp above zero",
    "plants_tariff_per_kwh_check": "a tariff is a number, zero or more",
    "plants_tariff_with_currency_check": "a tariff needs its currency, such as EUR",
    "plants_tariff_currency_check": "a currency has three letters, such as EUR",
}


def add(
    store: Warehouse,
    name: str,
    latitude: float | None = None,
    longitude: float | None = None,
    time_zone: str = "UTC",
    plant_id: int | None = None,
    **values: object,
) -> int:
    """Register a plant and return its number: `plant_id`, or else the next one.

    Coordinates are degrees north and east, both or neither. `time_zone` is that of the service.
    `values` are those of `set_capacity` and `set_tariff`.
    """
    place = {"latitude": latitude, "longitude": longitude}
    plant = {"name": _fit("name", name), "time_zone": _fit("time zone", time_zone), **values}
    numbered = {} if plant_id is None else {"plant_id": plant_id}
    statement = (
        insert(plants)
        .on_conflict_do_nothing(index_elements=["plant_id"])
        .returning(plants.c.plant_id)
    )
    with _changing(store, f"{_shown(name)} was not registered") as connection:
        while (added := connection.execute(statement, plant | place | numbered).scalar()) is None:
            if plant_id is not None:
                raise _rejected(f"there is a plant {plant_id} already", "Give another number.")
    return int(added)  # numbers that were assigned by hand were skipped


def find(connection: Connection, plant_id: int) -> Row[Any]:
    """Lock a plant, which has to exist, and return it."""
    query = select(plants).where(_is(plant_id)).with_for_update()
    return _known(connection.execute(query).one_or_none(), plant_id)


def rename(store: Warehouse, plant_id: int, name: str) -> None:
    """Change the name of a plant."""
    what = f"plant {plant_id} was not renamed to {_shown(name)}"
    _change(store, plant_id, what, name=_fit("name", name))


def retire(store: Warehouse, plant_id: int) -> dt.datetime:
    """Stop syncing a plant and keep its data; return when it was first retired."""
    since = func.coalesce(plants.c.retired_at, func.now())
    what = f"plant {plant_id} was not retired"
    retired_at: dt.datetime = _change(store, plant_id, what, retired_at=since).retired_at
    return retired_at


def unretire(store: Warehouse, plant_id: int) -> None:
    """Sync a retired plant again, including the days since then."""
    _change(store, plant_id, f"plant {plant_id} is still retired", retired_at=None)


def set_location(store: Warehouse, plant_id: int, latitude: float, longitude: float) -> None:
    """Change a plant's coordinates, in degrees north and east."""
    what = f"plant {plant_id} was not moved"
    _change(store, plant_id, what, latitude=latitude, longitude=longitude)


def set_capacity(store: Warehouse, plant_id: int, capacity_kwp: float) -> None:
    """Change a plant's installed capacity, in kWp."""
    _change(store, plant_id, f"plant {plant_id} kept its capacity", capacity_kwp=capacity_kwp)


def set_tariff(store: Warehouse, plant_id: int, tariff_per_kwh: Decimal, currency: str) -> None:
    """Change what a kWh of a plant is worth, in a currency by its ISO 4217 code."""
    tariff = {"tariff_per_kwh": tariff_per_kwh, "tariff_currency": currency}
    _change(store, plant_id, f"plant {plant_id} kept its tariff", **tariff)


def delete(store: Warehouse, plant_id: int) -> int:
    """Delete a plant with its data; return the number of deleted readings.

    Raises `TransientFailure` during a sync.
    """
    count = select(func.count()).where(readings.c.plant_id == plant_id)
    with _changing(store, f"plant {plant_id} was not deleted") as connection:
        find(connection, plant_id)
        deleted = int(connection.execute(count).scalar_one())
        connection.execute(plants.delete().where(_is(plant_id)))
    return deleted


def listing(connection: Connection) -> Sequence[Row[Any]]:
    """Return every plant by number, and how many days are complete, missing, not requested."""
    return execute_file(connection, source, "listing", {}).all()


def _change(store: Warehouse, plant_id: int, what: str, **values: object) -> Row[Any]:
    """Update columns of a plant and return its row; `what` begins the error message."""
    statement = plants.update().where(_is(plant_id)).values(values)
    with _changing(store, what) as connection:
        return _known(connection.execute(statement.returning(plants)).one_or_none(), plant_id)


def _is(plant_id: int) -> ColumnElement[bool]:
    """Match a plant's row; a number outside the integer range matches none."""
    return plants.c.plant_id == cast(plant_id, Numeric)


def _changing(store: Warehouse, what: str) -> AbstractContextManager[Connection]:
    """Open a transaction on the registry; `what` begins the message of an error."""
    return store.transaction(SOURCE, explain=partial(_in_words, what))


def _in_words(what: str, error: object) -> Failure | None:
    """Translate the database's error; None if it is not about plants."""
    if isinstance(error, psycopg.errors.ObjectInUse):
        return TransientFailure(
            SOURCE,
            str(error.diag.message_primary),
            place="solar.plants",
            remedy="Wait until its sync has ended, then delete it; solar.syncs shows the syncs.",
        )
    if isinstance(error, psycopg.IntegrityError):
        diagnostics = error.diag
        reason = CONSTRAINT_ERRORS.get(diagnostics.constraint_name or "")
        remedy = diagnostics.message_hint or f"Choose another value; {LIST}"
        return _rejected(f"{what}: {reason or diagnostics.message_primary}", remedy)
    return None


def _known(row: Row[Any] | None, plant_id: int) -> Row[Any]:
    if row is None:
        raise _rejected(f"there is no plant {plant_id}", f"Give the number of another one; {LIST}")
    return row


def _fit(column: str, value: str) -> str:
    """Return the text without surrounding blanks; reject characters that names cannot contain."""
    value = value.strip()
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise _rejected(
            f"the {column} {_shown(value)} has control characters or invalid characters",
            "Save it in UTF-8.",
        )
    return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= MAX_CHARACTERS else f"{value[:MAX_CHARACTERS]}…")


def _rejected(problem: str, remedy: str) -> PermanentFailure:
    return PermanentFailure(SOURCE, problem, place="solar.plants", remedy=remedy)
