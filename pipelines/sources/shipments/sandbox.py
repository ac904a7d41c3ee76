"""Simulated shipment files with the shape and the errors of the real ones, one per day.

A shipment is in transit for four days; each day's file contains it with its current status. Some
are lost, returned or delayed at the end, and some come a day after they were promised. As in real
files, the same status has several spellings, a line has no price, the lines of one shipment
contradict each other, and some addresses name no existing country.
"""

import csv
import datetime as dt
import io
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from random import Random

from pipelines.source import Sandbox, SandboxParts

HEADER = (
    *("tracking_number", "carrier", "sender_address", "receiver_address", "article_name"),
    *("article_quantity", "article_price", "sku", "status", "promised_on"),
)
CARRIERS = ("DHL", "UPS", "DPD", "FedEx", "GLS")
#: By days in transit, each with its spellings.
STATUSES = (("inbound-scan",), ("scanned",), ("in-transit", "transit"), ("delivery",))
PLACES = (
    *("10115 Berlin, Germany", "20144 Hamburg, Germany", "80331 Munich, Germany"),
    *("75001 Paris, France", "1000 Brussels, Belgium", "28013 Madrid, Spain"),
    *("1016 BZ Amsterdam, Netherlands", "1050 Copenhagen, Denmark", "SW1A 2AA London, UK"),
    *("1000-001 Lisboa, Portugal", "111 51 Stockholm, Sweden", "00-950 Warsaw, Poland"),
)
ARTICLES = (
    *(("LP123", "Laptop", 800), ("MO456", "Mouse", 25), ("MT789", "Monitor", 200)),
    *(("KB012", "Keyboard", 50), ("HP678", "Headphones", 100), ("CH234", "Charger", 20)),
)
#: Of some parcels by number, on every third day: what they have in place of a delivery.
UNHAPPY = {1: "returned", 2: "lost", 13: "exception"}
#: By number: towns by their local name, an ambiguous one, one in no country, and one of each day.
RECEIVERS = {
    3: "1010 Wien, Austria",
    5: "Frankfurt, Germany",
    7: "4711 Somewhere, Nowhereland",
    9: "Roma, Italy",
    11: "75001 Paris, France",
}
PER_DAY = 15
#: The time of each day's file.
SENT_AT = dt.time(5, 20, tzinfo=dt.UTC)


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the daily files."""
    return SandboxParts(write_files=partial(write_files, seed=sandbox.seed))


def write_files(folder: Path, today: dt.date, seed: int) -> None:
    """Write the files of yesterday and today into a folder if they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for day in (today - dt.timedelta(days=1), today):
        file = folder / f"shipments-{day.isoformat()}.csv"
        if not file.exists():
            unfinished = folder / f".{file.name}.part"
            unfinished.write_bytes(as_csv(lines(seed, day)))
            if day < today:
                sent_at = dt.datetime.combine(day, SENT_AT).timestamp()
                os.utime(unfinished, (sent_at, sent_at))
            unfinished.replace(file)


def as_csv(records: Iterable[Sequence[str]]) -> bytes:
    """Return the content of a file: the header and the lines."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(records)
    return text.getvalue().encode()


def lines(seed: int, day: dt.date) -> list[list[str]]:
    """Return the lines of one day's file: about 60 shipments with 120 articles."""
    rows = clean_lines(seed, day)
    rows[-5][6] = "free"
    rows[-1][3] = "Street 9, 4711 Somewhere, Nowhereland"  # the other lines contradict this
    return rows


def clean_lines(seed: int, day: dt.date) -> list[list[str]]:
    """Return the same lines without errors."""
    rows: list[list[str]] = []
    for age, words in enumerate(STATUSES):
        sent_on = day - dt.timedelta(days=age)
        for number in range(PER_DAY):
            rows += _shipment(seed, sent_on, number, words)
    return rows


def _shipment(seed: int, sent_on: dt.date, number: int, words: tuple[str, ...]) -> list[list[str]]:
    random = Random(f"{seed} shipment {sent_on} {number}")  # noqa: S311 - made-up data
    sender, receiver = random.sample(PLACES, 2)
    receiver = RECEIVERS.get(number, receiver)
    shipment = [
        f"TN{sent_on:%y%m%d}{number:02}",
        random.choice(CARRIERS),
        f"Street {random.randrange(1, 40)}, {sender}",
        f"Street {random.randrange(1, 40)}, {receiver}",
    ]
    chosen = random.sample(ARTICLES, random.randrange(2, 4) if number == PER_DAY - 1 else 2)
    status = random.choice(words)
    promised_on = str(sent_on + dt.timedelta(days=random.choice((2, 3, 3, 3, 4))))
    if words is STATUSES[-1] and random.random() < 1 / 3:
        status = UNHAPPY.get(number, status)
    return [
        [*shipment, name, str(random.randrange(1, 4)), str(price), sku, status, promised_on]
        for sku, name, price in chosen
    ]
