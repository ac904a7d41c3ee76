"""Flights: 100,000 itineraries with 200,000 legs from document to committed rows, and the list.

Each load runs in a process of its own, so that its peak of memory is its own.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from benchmarks.references import latency, slowness
from benchmarks.report import Measure, peak_megabytes, step
from pipelines.http.client import JsonResponse
from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.sources.flights import Settings, airports_feed, archive, feed, load, source
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import itinerary, many_legs

ITINERARIES, LEGS = 100_000, 200_000
MONDAY = dt.date(2026, 3, 2)
LISTS = {
    "any, cheapest first": "SELECT * FROM enriched.itineraries ORDER BY price_amount LIMIT 100",
    "airline and stops, cheapest first": """
        SELECT * FROM enriched.itineraries
        WHERE max_stops <= 1
            AND EXISTS (SELECT FROM unnest(airlines) AS name WHERE name ILIKE '%air 1%')
        ORDER BY price_amount LIMIT 100""",
    "agent, best rated first": """
        SELECT * FROM enriched.itineraries WHERE agent ILIKE '%agent 4%'
        ORDER BY agent_rating DESC, price_amount LIMIT 100""",
}
WITH_LEGS = {
    "with their legs": """
        SELECT * FROM (
            SELECT * FROM enriched.itineraries ORDER BY price_amount LIMIT 10
        ) AS one INNER JOIN enriched.itinerary_legs USING (itinerary_id)""",
    "by any leg": """
        SELECT * FROM enriched.itineraries AS one WHERE EXISTS (
            SELECT FROM enriched.itinerary_legs AS leg
            WHERE leg.itinerary_id = one.itinerary_id AND leg.stops = 1
        ) ORDER BY price_amount LIMIT 10""",
}


def measure(server: Connections) -> list[Measure]:
    """All measures of flights, on a fresh database of a running server."""
    measures, slow = [], slowness(server)
    with tempfile.TemporaryDirectory() as folder:
        documents = _write_documents(Path(folder))
        # A document comes once a day, and its lists are read all day: 3 of the seconds are columns
        # and indexes that make a page of 100 three hundred times faster. With one percent changed,
        # nearly all of the time is Python, which reads and validates the whole document.
        for name, day, file, target in (
            ("load 100,000 itineraries, 200,000 legs", 0, "first", 12.0),
            ("the same day again", 0, "first", 5.0),
            ("the same content on the next day", 1, "first", 5.0),
            ("one percent of the prices changed", 2, "changed", 6.0),
        ):
            with step(f"flights: {name}"):
                measured = _in_a_process(server, documents[file], MONDAY + dt.timedelta(days=day))
            measures.append(Measure(f"flights: {name}", measured["seconds"], "s", target * slow))
            if day == 0 and len(measures) == 1:
                measures.append(Measure("flights: its memory", measured["megabytes"], "MB", 600.0))
    for queries, what, most in ((LISTS, "list, 100", 60.0), (WITH_LEGS, "ten", 75.0)):
        for name, query in queries.items():
            script = f"{query};\n".replace("\n", " ")
            measures.append(latency(server, f"flights: {what}, {name}", script, most))
    return measures


@step("flights: write documents")
def _write_documents(folder: Path) -> dict[str, Path]:
    random = Random(1)
    legs = many_legs(random, LEGS, dt.datetime(2026, 6, 1), 100_000)
    itineraries = [
        itinerary(
            number,
            [random.randrange(LEGS), random.randrange(LEGS)],
            price=f"£{random.randrange(20, 2000):,}.{random.randrange(100):02}",
            agent=f"Agent {number % 50}",
            agent_rating=round(5 + number % 50 / 10, 1),
        )
        for number in range(ITINERARIES)
    ]
    files = {"first": folder / "first.json", "changed": folder / "changed.json"}
    files["first"].write_text(json.dumps({"itineraries": itineraries, "legs": legs}))
    for number in random.sample(range(ITINERARIES), ITINERARIES // 100):
        itineraries[number]["price"] = "£7.77"
    files["changed"].write_text(json.dumps({"itineraries": itineraries, "legs": legs}))
    return files


def _in_a_process(server: Connections, document: Path, day: dt.date) -> dict[str, float]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.flights",
            server.url(LOADER, "bench"),
            document,
            str(day),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _archive_and_load(url: str, document: Path, day: dt.date) -> dict[str, float]:
    """What a run does between the answer of the source and its commit."""
    warehouse = Warehouse(url)
    settings = Settings()
    runner = source.runner(feed, warehouse, settings)
    airports = source.runner(airports_feed, warehouse, settings)
    load.poll_airports(airports, is_whole=True)  # not what is measured
    at = dt.datetime.combine(day, dt.time(5), dt.UTC)
    answer = JsonResponse("bench", document.read_bytes(), None, at)
    began = time.monotonic()
    with warehouse.transaction("flights") as connection:
        archive.keep(connection, answer)
    del answer  # as when the step that fetched it has ended
    load.bring_up_to_date(runner)
    seconds = time.monotonic() - began
    warehouse.dispose()
    return {"seconds": seconds, "megabytes": peak_megabytes()}


if __name__ == "__main__":
    _url, _document, _day = sys.argv[1:]
    print(json.dumps(_archive_and_load(_url, Path(_document), dt.date.fromisoformat(_day))))  # noqa: T201
