"""Shipments: 200,000 lines about 50,000 shipments from file to committed rows, track, the list.

The replaced services read 2,600 and 3,266 lines a second, and answered 197 and 251 lookups.
"""

import csv
import tempfile
from pathlib import Path
from random import Random

from benchmarks.one_load import measure_load
from benchmarks.references import latency, slowness
from benchmarks.report import Measure, step
from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.sources.shipments.transform import COLUMNS
from pipelines.sources.weather.geocode_places import put_places
from pipelines.warehouse.connection import Warehouse

SHIPMENTS, ARTICLES_EACH, PLACES = 50_000, 4, 500
CARRIERS = ("DHL", "UPS", "DPD", "FedEx", "GLS")
STATUSES = ("in-transit", "transit", "scanned", "delivery", "inbound-scan")
TRACK = f"""\\set n random(0, {SHIPMENTS - 1})
SELECT * FROM enriched.track('TN' || lpad((:n)::text, 8, '0'),
    (ARRAY['DHL', 'UPS', 'DPD', 'FedEx', 'GLS'])[1 + :n % 5]);
"""
#: Each takes as long as so many lookups of a row, at most.
PAGES = {
    "last changed first": (250.0, "ORDER BY updated_at DESC, tracking_number LIMIT 100"),
    "highest value first": (250.0, "ORDER BY total_value DESC LIMIT 100"),
}


def measure(server: Connections) -> list[Measure]:
    """All measures of shipments, on a fresh database of a running server."""
    measures, slow = [], slowness(server)
    with tempfile.TemporaryDirectory() as folder:
        files = _write_files(Path(folder))
        # Of the first, 1.3 s are foreign keys.
        for name, file, target in (
            ("load 200,000 lines, 50,000 shipments", "first", 8.0),
            ("the same file again", "first", 1.0),
            ("the same lines under another name", "copy", 15.0),
            ("one percent of the statuses changed", "changed", 15.0),
        ):
            measured = measure_load(server, "shipments", files[file])
            measures.append(Measure(f"shipments: {name}", measured["seconds"], "s", target * slow))
            if len(measures) == 1:
                measures.append(
                    Measure("shipments: its memory", measured["megabytes"], "MB", 500.0)
                )
    _give_weather(server)
    measures.append(latency(server, "shipments: enriched.track", TRACK, 10.0))
    for name, (most, clauses) in PAGES.items():
        query = f"SELECT * FROM enriched.shipments {clauses};\n".replace("\n        ", " ")
        measures.append(latency(server, f"shipments: page of 100, {name}", query, most))
    return measures


@step("shipments: write files")
def _write_files(folder: Path) -> dict[str, Path]:
    random = Random(1)
    places = [
        f"{10_000 + n} Town {n}, {country}"
        for n, country in enumerate(["Germany", "France", "Spain", "Italy"] * (PLACES // 4))
    ]
    rows = []
    for number in range(SHIPMENTS):
        shipment = [
            f"TN{number:08}",
            CARRIERS[number % 5],
            f"Street {random.randrange(200)}, {random.choice(places)}",
            f"Street {random.randrange(200)}, {random.choice(places)}",
        ]
        status = random.choice(STATUSES)
        for article in range(ARTICLES_EACH):
            price = f"{random.randrange(1, 900)}.{random.randrange(100):02}"
            sku = f"SKU{article}-{random.randrange(1000)}"
            quantity = str(random.randrange(1, 5))
            rows.append([*shipment, f"Article {sku}", quantity, price, sku, status])
    files = {name: folder / f"{name}.csv" for name in ("first", "copy", "changed")}
    _write(files["first"], rows)
    _write(files["copy"], rows)
    for number in random.sample(range(SHIPMENTS), SHIPMENTS // 100):
        for row in rows[number * ARTICLES_EACH : (number + 1) * ARTICLES_EACH]:
            row[-1] = "returned"
    _write(files["changed"], rows)
    return files


def _write(file: Path, rows: list[list[str]]) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(COLUMNS[: len(rows[0])])
        writer.writerows(rows)


def _give_weather(server: Connections) -> None:
    """Weather for all places of the shipments, which the pages show."""
    warehouse = Warehouse(server.url(LOADER, "bench"))
    put_places(warehouse)
    with warehouse.transaction("bench") as connection:
        connection.exec_driver_sql(
            "UPDATE weather.places SET latitude = 50, longitude = 10, geocoding_status = 'found'"
        )
        connection.exec_driver_sql(
            "INSERT INTO weather.observations (place_id, observed_at, fetched_at, provider,"
            " temperature_celsius, conditions, delay_risk)"
            " SELECT place_id, now(), now(), 'bench', 9.5, 'rain', 'none' FROM weather.places"
        )
    warehouse.dispose()
