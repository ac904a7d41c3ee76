"""Convert the flights document to rows: pure functions of data to data.

The contract: `itineraries` with id, legs (ids in order, at least one), price, agent and
agent_rating (0 to 10 or null); `legs` with id, two IATA codes, two local times without offset,
stops, airline_name, airline_id and duration_mins. A record that violates it is rejected with its
reasons. An itinerary with a missing or rejected leg is rejected, too. All others are kept.
"""

import gc
import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pydantic import AfterValidator, BaseModel

from pipelines.failures import DatabaseError
from pipelines.http.json_documents import parse_json
from pipelines.ingest.contract import Name, RecordValidator, drift_of, is_name, shown
from pipelines.ingest.feeds import Content, Context, Parsed
from pipelines.ingest.identifiers import cleaned
from pipelines.ingest.models import Field
from pipelines.ingest.money import parse_price
from pipelines.sources.flights.times import add_times

Prices = dict[str, tuple[str, Decimal]]
MAX_LEGS = 100
#: The document in messages.
DOCUMENT = "flights.json"
#: Years from 1901 to 2199, and the leap years among them.
YEAR = "(19[0-9][1-9]|19[1-9]0|2[01][0-9]{2})"
LEAP_YEAR = "((19|2[01])(0[48]|[2468][048]|[13579][26])|2000)"
DAY_OF_MONTH = (
    "(02-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(0[1-9]|[12][0-9]|30)|(0[13578]|1[02])-31)"
)
#: A pattern can be checked without calling Python for each of the times.
LOCAL_TIME = (
    f"^({YEAR}-{DAY_OF_MONTH}|{LEAP_YEAR}-02-29)T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
)
Iata = Annotated[str, Field(pattern="^[A-Z]{3}$", otherwise="is not an IATA code")]
LocalTime = Annotated[
    str, Field(pattern=LOCAL_TIME, otherwise="is not a local time like 2020-10-31T15:35")
]


class LegRecord(BaseModel, strict=True):
    """A leg as sent."""

    id: Name
    departure_airport: Iata
    arrival_airport: Iata
    departure_time: LocalTime
    arrival_time: LocalTime
    stops: int = Field(ge=0, le=100, otherwise="is not a count")
    airline_name: Name
    airline_id: Name
    duration_mins: int = Field(
        gt=0, le=7 * 24 * 60, otherwise="is not a number of minutes up to a week"
    )


#: The legs of an itinerary are those of many.
_intact = lru_cache(maxsize=100_000)(cleaned)


def _intact_all(ids: list[Any]) -> list[Any]:
    return [_intact(one) if isinstance(one, str) else one for one in ids]


class ItineraryRecord(BaseModel, strict=True):
    """An itinerary as sent; prices and legs are validated separately."""

    id: Name
    legs: Annotated[list[Any], AfterValidator(_intact_all)] = Field(
        min_length=1, max_length=MAX_LEGS, otherwise=f"is not a list of 1 to {MAX_LEGS} ids"
    )
    price: Any
    agent: Name
    agent_rating: float | None = Field(
        ge=0, le=10, allow_inf_nan=False, otherwise="is not a number from 0 to 10"
    )


def parse(content: Content, context: Context) -> Iterator[Parsed]:
    """Parse an archived document: its compressed body, and the time zones of airports."""
    body_gzip, time_zones = content.document
    # Each full collection of cycles would visit hundreds of thousands of objects without any, which
    # takes a third of the time.
    gc.disable()
    try:
        document = parse_json(_body(body_gzip))
        parsed = read_snapshot(document, time_zones=time_zones, country=context.settings.country)
    finally:
        gc.enable()
    yield parsed


def _body(body_gzip: bytes) -> bytes:
    """Decompress an archived document. Raises `DatabaseError` if it is damaged: no rejection."""
    try:
        return gzip.decompress(body_gzip)
    except (OSError, EOFError, zlib.error) as error:
        raise DatabaseError(
            "flights",
            f"an archived document is damaged: {error}",
            place="flights.payloads",
            remedy="Restore the table from a backup, then run isobar run flights.",
        ) from error


def read_snapshot(
    document: Mapping[str, Any], *, time_zones: Mapping[str, str], country: str | None = None
) -> Parsed:
    """Convert a document's records to rows for the tables, and to rejects.

    `document` has passed `check_document`. `time_zones` maps IATA codes to IANA zones. `country`
    resolves ambiguous currency symbols. Beside the rows are the keys of rejected records, whose
    entities still exist at the source.
    """
    itineraries = RecordValidator(
        document["itineraries"], name="itineraries", model=ItineraryRecord
    )
    legs = RecordValidator(
        document["legs"], name="legs", model=LegRecord, first_record=len(itineraries.records)
    )
    _screen_legs(legs)
    good_legs = legs.good()
    prices = _read_prices(itineraries.frame["price"], country)
    _screen_itineraries(itineraries, set(good_legs["id"]), prices)
    both = (itineraries, legs)
    return Parsed(
        read=sum(len(one.records) for one in both),
        rows=_leg_rows(good_legs, time_zones)
        | _itinerary_rows(itineraries.good(), prices, good_legs)
        | _rejected_keys(itineraries, legs)
        | {"stage_rejected_offers": _rejected_offers(itineraries)},
        rejects=[reject for one in both for reject in one.rejects()],
        lists={one.name: len(one.records) for one in both},
        drift=[*itineraries.drift(DOCUMENT), *legs.drift(DOCUMENT), *_renamed_airlines(good_legs)],
    )


def _screen_legs(legs: RecordValidator) -> None:
    good = legs.good()
    same = good["departure_airport"].eq(good["arrival_airport"])
    words = "departure and arrival airport are the same: {departure_airport}"
    legs.reject(good.index[same], "same_airport", words)
    _reject_conflicts(legs)


def _screen_itineraries(itineraries: RecordValidator, leg_ids: set[str], prices: Prices) -> None:
    good = itineraries.good()
    no_price = [not isinstance(value, str) or value not in prices for value in good["price"]]
    words = "price is not an amount above 0 with a currency: {price}"
    itineraries.reject(good.index[no_price], "price_invalid", words)
    dangling = [not _are_all_in(leg_ids, legs) for legs in good["legs"]]
    words = "a leg is not in the document, or was rejected"
    itineraries.reject(good.index[dangling], "leg_unknown", words)
    _reject_conflicts(itineraries)


def _are_all_in(known: set[str], ids: list[Any]) -> bool:
    try:
        return known.issuperset(ids)
    except TypeError:  # an object or a list instead of an id
        return False


def _reject_conflicts(screening: RecordValidator) -> None:
    """Reject records that repeat an id with other content; the first one counts."""
    good = screening.good()
    repeated = good[good.duplicated("id", keep=False)]
    if repeated.empty:
        return
    content = repeated["record"].map(lambda r: screening.records[r - screening.first_record])
    first = content.groupby(repeated["id"]).transform("first")
    conflict = [one != other for one, other in zip(content, first, strict=True)]
    words = "the id came before with other content: {id}"
    screening.reject(repeated.index[conflict], "came_before", words)


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
    return {"stage_legs": add_times(rows), "stage_airlines": airlines.drop_duplicates("airline_id")}


def _itinerary_rows(
    itineraries: pd.DataFrame, prices: Prices, legs: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    read = [prices[price] for price in itineraries["price"]]
    agents = pd.DataFrame(
        {
            "agent": itineraries["agent"].astype("str"),
            "agent_rating": itineraries["agent_rating"].astype("float64"),
            "record": itineraries["record"],
        }
    )
    ids = pa.array(itineraries["legs"], pa.list_(pa.string()))
    rows = agents.assign(
        itinerary_id=itineraries["id"].astype("str"),
        price_amount=[str(amount) for _, amount in read],
        price_currency=[currency for currency, _ in read],
        leg_ids=_array_literals(ids),
        route=_routes(ids, legs),
    )
    return {"stage_agents": agents.drop_duplicates("agent"), "stage_prices": rows}


# Arrow makes the texts of all itineraries at once, in a third of the time that Python takes.
def _array_literals(ids: pa.ListArray) -> list[str]:
    """Format the leg ids of each itinerary as an array literal for COPY."""
    escaped = compute.replace_substring_regex(ids.values, r'([\\"])', r"\\\1")
    quoted = compute.binary_join_element_wise('"', escaped, '"', "")
    joined = compute.binary_join(pa.ListArray.from_arrays(ids.offsets, quoted), ",")
    literals: list[str] = compute.binary_join_element_wise("{", joined, "}", "").to_pylist()
    return literals


def _routes(ids: pa.ListArray, legs: pd.DataFrame) -> list[str]:
    """Name the legs of each itinerary in order by their airports: BUD-LTN, LTN-BUD."""
    ends = (pa.array(legs[f"{end}_airport"], pa.string()) for end in ("departure", "arrival"))
    hops = compute.binary_join_element_wise(*ends, "-")
    flown = hops.take(compute.index_in(ids.values, value_set=pa.array(legs["id"], pa.string())))
    joined = compute.binary_join(pa.ListArray.from_arrays(ids.offsets, flown), ", ")
    routes: list[str] = joined.to_pylist()
    return routes


def _renamed_airlines(legs: pd.DataFrame) -> list[str]:
    """Return a message for each airline code with several names; the first name is kept."""
    pairs = legs[["airline_id", "airline_name"]].drop_duplicates()
    names = pairs.groupby("airline_id")["airline_name"].agg(list)
    lines = [
        f"airline_id {shown(code)} has the names {shown(several)}"
        for code, several in names.items()
        if len(several) > 1
    ]
    return drift_of(DOCUMENT, lines, "airlines with several names")


def _rejected_offers(itineraries: RecordValidator) -> pd.DataFrame:
    """Return the rejected itineraries that have a valid id, each with its reasons."""
    accepted = set(itineraries.good()["id"])
    reasons = {
        record["id"]: "; ".join(reject.words)
        for record, reject in zip(
            itineraries.rejected_records(), itineraries.rejects(), strict=True
        )
        if isinstance(record, dict) and is_name(record.get("id"))
    }
    rows = [(key, reason) for key, reason in reasons.items() if key not in accepted]
    return pd.DataFrame(rows, columns=["itinerary_id", "reason"], dtype="str")


def _rejected_keys(itineraries: RecordValidator, legs: RecordValidator) -> dict[str, pd.DataFrame]:
    """Return the valid keys of each table in the rejected records."""
    keys = {
        "airlines": ("airline_id", legs, "airline_id"),
        "agents": ("agent", itineraries, "agent"),
        "legs": ("leg_id", legs, "id"),
        "prices": ("itinerary_id", itineraries, "id"),
    }
    found = {}
    for table, (column, validator, key) in keys.items():
        rejected = validator.rejected_records()
        values = (one.get(key) for one in rejected if isinstance(one, dict))
        found[f"stage_rejected_{table}"] = pd.DataFrame(
            {column: [*filter(is_name, values)]}, dtype="str"
        )
    return found


def _read_prices(texts: pd.Series, country: str | None) -> Prices:
    """Parse every distinct text that is a price."""
    found: Prices = {}
    for text in {text for text in texts if isinstance(text, str)}:
        with suppress(ValueError):
            found[text] = parse_price(text, country)
    return found
