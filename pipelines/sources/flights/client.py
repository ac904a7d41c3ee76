"""Fetch the flights document, and read the airports of a package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.failures import PermanentFailure
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.http.json_documents import SENT_TWICE
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content, Context, Parsed

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "flights"
LISTS = ("itineraries", "legs")
MAX_RECORDS = 2_000_000


def fetch(url: str, http: HttpClient | None = None) -> JsonResponse:
    """Fetch the current document, the only source of flights: JSON with itineraries and legs.

    Raises `PermanentFailure` for JSON of another shape, and whatever `HttpClient` raises.
    """
    response = (http or HttpClient(source=SOURCE, variable="FLIGHTS_URL")).get_json(url)
    check_document(response.document, place=response.url)
    return response


def check_document(document: Any, *, place: str) -> None:
    """Raise `PermanentFailure` for a document without its two lists, which cannot be read."""
    if not isinstance(document, dict):
        problem = f"the document is a JSON {type(document).__name__}, not an object"
    elif twice := [key for key in document if key.endswith(SENT_TWICE)]:
        problem = f"the document is ambiguous: {twice[0]}"
    elif missing := [key for key in LISTS if not isinstance(document.get(key), list)]:
        names = " and ".join(f'"{key}"' for key in missing)
        problem = f"the document has no list {names}; its keys are {sorted(document)[:10]}"
    elif any(len(document[key]) > MAX_RECORDS for key in LISTS):
        problem = f"a list of the document has more than {MAX_RECORDS:,} records"
    else:
        return
    raise PermanentFailure(
        SOURCE,
        f"{problem}. Nothing was written",
        place=place,
        remedy="See whether FLIGHTS_URL points at a flights document; if the source has changed its"
        " shape, transform.py has to follow.",
    )


def packaged_airports() -> tuple[Delivery, Callable[[], pd.DataFrame]]:
    """Return the delivery of the package airportsdata, and a function that reads its airports."""
    import airportsdata

    file = Path(airportsdata.__file__).parent / "airports.csv"
    content = file.read_bytes() + file.with_name("iata_macs.csv").read_bytes()
    delivery = Delivery(
        feed="airports",
        name=f"airportsdata {metadata.version('airportsdata')}",
        sha256=hashlib.sha256(content).hexdigest(),
        byte_count=len(content),
        received_at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
    )
    return delivery, _read_airports


def parse_airports(content: Content, _: Context) -> Iterator[Parsed]:
    """Parse the airports; the document is the function that reads them."""
    rows = content.document()
    yield Parsed(read=len(rows), rows={"flights.airports": rows})


def _read_airports() -> pd.DataFrame:
    """Return all airports with an IATA code, as in `flights.airports`; empty strings are nulls."""
    import airportsdata
    import pandas as pd

    cities = {
        airport: (code, f"{city['name']}, {city['country']}")
        for code, city in airportsdata.load_iata_macs().items()
        for airport in city["airports"]
    }
    frame = pd.DataFrame(list(airportsdata.load("IATA").values())).rename(
        columns={
            "iata": "airport_code",
            "icao": "icao_code",
            "subd": "subdivision",
            "country": "country_code",
            "lat": "latitude",
            "lon": "longitude",
            "elevation": "elevation_feet",
            "tz": "time_zone",
        }
    )
    frame = frame.drop(columns="lid").replace({"": None})
    where = frame["city"] + (", " + frame["country_code"]).fillna("")
    served = zip(frame["airport_code"], frame["airport_code"], where, strict=True)
    frame[["city_code", "served_city"]] = [
        cities.get(airport, (code, city)) for airport, code, city in served
    ]
    frame["record"] = range(len(frame))
    return frame
