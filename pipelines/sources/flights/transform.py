"""From the flights document to rows: pure functions of data to data.

The contract: `itineraries` with id, legs (ids in order, at least one), price, agent,
agent_rating (0 to 10 or null); `legs` with id, two IATA codes, two local times without offset,
stops, airline_name, airline_id, duration_mins. A record that breaks it is refused, with its
reasons; an itinerary whose leg is missing or refused is refused too; the others are kept.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from pipelines.ingest.contract import RecordValidator, Reject, drift_of, is_name, shown
from pipelines.ingest.money import parse_price
from pipelines.sources.flights.times import add_times
from pipelines.warehouse.connection import array_literal

Prices = dict[str, tuple[str, Decimal]]
ITINERARY_KEYS = ("id", "legs", "price", "agent", "agent_rating")
LEG_KEYS = (
    "id",
    "departure_airport",
    "arrival_airport",
    "departure_time",
    "arrival_time",
    "stops",
    "airline_name",
    "airline_id",
    "duration_mins",
)
LOCAL_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?"
MAX_LEGS = 100
DANGLING = "a leg is not in the document, or was refused"
LONGEST_LEG_MINUTES = 7 * 24 * 60


@dataclass(frozen=True)
class Snapshot:
    """One document as rows by table name, with what was refused and what drifted.

    `offered` has the keys of all records, refused ones too: those are not gone.
    """

    rows: dict[str, pd.DataFrame]
    offered: dict[str, pd.DataFrame]
    rejects: list[Reject]
    drift: list[str]
    read_by_list: dict[str, int]

    @property
    def read(self) -> int:
        """Records in both lists."""
        return sum(self.read_by_list.values())


def read_snapshot(
    document: Mapping[str, Any], *, time_zones: Mapping[str, str], country: str | None = None
) -> Snapshot:
    """Sort a document's records into rows for the tables and rejects.

    `document` has passed `check_document`; `time_zones` maps IATA codes to IANA zones, `country`
    says whose currency an ambiguous sign is.
    """
    itineraries = RecordValidator(document["itineraries"], name="itineraries", keys=ITINERARY_KEYS)
    legs = RecordValidator(
        document["legs"], name="legs", keys=LEG_KEYS, first_record=len(itineraries.records)
    )
    _screen_legs(legs)
    good_legs = legs.good()
    prices = _read_prices(itineraries.frame["price"], country)
    _screen_itineraries(itineraries, set(good_legs["id"]), prices)
    rejects = itineraries.rejects() + legs.rejects()
    return Snapshot(
        rows=_leg_rows(good_legs, time_zones) | _itinerary_rows(itineraries.good(), prices),
        offered=_offered(itineraries.frame, legs.frame),
        rejects=rejects,
        drift=itineraries.drift("flights.json")
        + legs.drift("flights.json")
        + _renamed_airlines(good_legs),
        read_by_list={"itineraries": len(itineraries.records), "legs": len(legs.records)},
    )


def _screen_legs(legs: RecordValidator) -> None:
    frame = legs.frame
    for key in ("id", "airline_name", "airline_id"):
        legs.reject(_not(frame[key], is_name), f"{key} is not a name: {{{key}}}")
    for key in ("departure_airport", "arrival_airport"):
        legs.reject(_not(frame[key], _is_iata), f"{key} is not an IATA code: {{{key}}}")
    for key in ("departure_time", "arrival_time"):
        legs.reject(
            _not(frame[key], lambda value: _local_time(value) is not None),
            f"{key} is not a local time like 2020-10-31T15:35: {{{key}}}",
        )
    legs.reject(_not(frame["stops"], _is_count), "stops is not a count: {stops}")
    legs.reject(
        _not(frame["duration_mins"], _is_duration),
        "duration_mins is not a number of minutes up to a week: {duration_mins}",
    )
    same = frame["departure_airport"].eq(frame["arrival_airport"])
    legs.reject(same, "it arrives where it departs: {departure_airport}")
    _reject_conflicts(legs)


def _screen_itineraries(itineraries: RecordValidator, leg_ids: set[str], prices: Prices) -> None:
    frame = itineraries.frame
    for key in ("id", "agent"):
        itineraries.reject(_not(frame[key], is_name), f"{key} is not a name: {{{key}}}")
    itineraries.reject(
        _not(frame["agent_rating"], _is_rating), "agent_rating is not 0 to 10: {agent_rating}"
    )
    itineraries.reject(
        _not(frame["price"], lambda value: isinstance(value, str) and value in prices),
        "price is not an amount with a currency: {price}",
    )
    itineraries.reject(
        _not(frame["legs"], lambda value: isinstance(value, list) and 0 < len(value) <= MAX_LEGS),
        f"legs is not a list of 1 to {MAX_LEGS} ids: {{legs}}",
    )
    dangling = frame["legs"].map(
        lambda value: (
            isinstance(value, list)
            and not all(isinstance(leg, str) and leg in leg_ids for leg in value)
        )
    )
    itineraries.reject(dangling, DANGLING)
    _reject_conflicts(itineraries)


def _reject_conflicts(screening: RecordValidator) -> None:
    """Refuse what comes under an id that came before with other content; the first one counts."""
    good = screening.good()
    repeated = good[good.duplicated("id", keep=False)]
    if repeated.empty:
        return
    content = repeated["record"].map(lambda r: screening.records[r - screening.first_record])
    first = content.groupby(repeated["id"]).transform("first")
    conflict = pd.Series(
        [one != other for one, other in zip(content, first, strict=True)], index=repeated.index
    )
    screening.reject(conflict, "the id {id} came before with other content")


def _leg_rows(legs: pd.DataFrame, time_zones: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    rows = pd.DataFrame(
        {
            "leg_id": legs["id"].astype("str"),
            "departure_airport": legs["departure_airport"].astype("str"),
            "arrival_airport": legs["arrival_airport"].astype("str"),
            "departure_local": pd.to_datetime(legs["departure_time"], format="ISO8601"),
            "arrival_local": pd.to_datetime(legs["arrival_time"], format="ISO8601"),
            "departure_time_zone": legs["departure_airport"].map(time_zones),
            "arrival_time_zone": legs["arrival_airport"].map(time_zones),
            "stops": legs["stops"].astype("int64"),
            "airline_id": legs["airline_id"].astype("str"),
            "duration_minutes": legs["duration_mins"].astype("int64"),
            "record": legs["record"],
        }
    )
    airlines = pd.DataFrame(
        {
            "airline_id": rows["airline_id"],
            "name": legs["airline_name"].astype("str"),
            "record": legs["record"],
        }
    )
    return {"legs": add_times(rows), "airlines": airlines}


def _itinerary_rows(itineraries: pd.DataFrame, prices: Prices) -> dict[str, pd.DataFrame]:
    read = [prices[price] for price in itineraries["price"]]
    agents = pd.DataFrame(
        {
            "agent": itineraries["agent"].astype("str"),
            "agent_rating": itineraries["agent_rating"].astype("float64"),
            "record": itineraries["record"],
        }
    )
    rows = agents.assign(
        itinerary_id=itineraries["id"].astype("str"),
        price_amount=[str(amount) for _, amount in read],
        price_currency=[currency for currency, _ in read],
        leg_ids=[array_literal(ids) for ids in itineraries["legs"]],
    )
    return {"agents": agents, "prices": rows}


def _renamed_airlines(legs: pd.DataFrame) -> list[str]:
    """Codes that come with several names; the first one is kept."""
    pairs = legs[["airline_id", "airline_name"]].drop_duplicates()
    names = pairs.groupby("airline_id")["airline_name"].agg(list)
    told = [
        f"airline_id {shown(code)} has the names {shown(several)}"
        for code, several in names.items()
        if len(several) > 1
    ]
    return drift_of("flights.json", told, "airlines with several names")


def _offered(itineraries: pd.DataFrame, legs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Keys of each table in all records, refused ones too."""
    keys = {
        "airlines": ("airline_id", legs["airline_id"]),
        "agents": ("agent", itineraries["agent"]),
        "legs": ("leg_id", legs["id"]),
        "prices": ("itinerary_id", itineraries["id"]),
    }
    return {
        table: pd.DataFrame({key: pd.Series(list(filter(is_name, values)), dtype="str").unique()})
        for table, (key, values) in keys.items()
    }


def _not(values: pd.Series, is_good: Callable[[Any], bool]) -> pd.Series:
    return ~values.map(is_good).astype(bool)


def _is_iata(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[A-Z]{3}", value) is not None


def _local_time(value: Any) -> dt.datetime | None:
    """The wall-clock time, or None for what has an offset, lacks the time, or is no such day."""
    if not isinstance(value, str) or re.fullmatch(LOCAL_TIME, value) is None:
        return None
    try:
        parsed = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if 1900 < parsed.year < 2200 else None


def _is_count(value: Any) -> bool:
    return _is_whole(value) and 0 <= value <= 100


def _is_duration(value: Any) -> bool:
    return _is_whole(value) and 0 < value <= LONGEST_LEG_MINUTES


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_rating(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10


def _read_prices(texts: pd.Series, country: str | None) -> Prices:
    """Every distinct text that is a price."""
    found: Prices = {}
    for text in {text for text in texts if isinstance(text, str)}:
        with suppress(ValueError):
            found[text] = parse_price(text, country)
    return found
