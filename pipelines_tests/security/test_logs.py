"""Words of others in logs and on terminals: no line begins with them, no escape moves a cursor."""

import datetime as dt
import logging
import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.cli import quarantine
from pipelines.failures import Failure, PermanentFailure
from pipelines.http.client import HttpClient
from pipelines.ingest import inbox as inboxes
from pipelines.orchestration.asset_metadata import as_table
from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.testing.fake_source import FakeSource, body
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.jobs import Runner, parcels_and_weather
from pipelines_tests.sources.shipments.made_up import deliver, line, text_of

FORGED = "2026-01-01 00:00:00 +0000 - dagster - INFO - all is well"
HOSTILE = f"x\n{FORGED}\r\n{FORGED}\x1b[2J\x1b]0;title\x07\x9b31m\u2028{FORGED}\u202e"
BEGINS = re.compile(rf"^{re.escape(FORGED)}", re.MULTILINE)


def test_no_line_of_a_failure_begins_with_words_of_others() -> None:
    failure = PermanentFailure("trains", HOSTILE, place=HOSTILE, remedy="Mend it.")
    lines = str(failure).splitlines()
    assert not any(BEGINS.match(one) for one in lines)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", str(failure))
    (where,) = [one for one in lines if "where: " in one]
    assert where.count("all is well") == 3


def test_file_names_and_contents_forge_no_log_line(
    warehouse: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    instance: dg.DagsterInstance,
) -> None:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.0)
    forged = FORGED.replace("/", "-")
    (tmp_path / f"\n{forged}\x1b[31m.csv").write_text(f"\x1b[31m,\n{forged}\n")
    (tmp_path / f"b\n{forged}.csv").write_text(text_of([line(1, article_quantity=HOSTILE)]))
    resources = parcels_and_weather(warehouse, tmp_path, "http://127.0.0.1:9")
    result = Runner(resources, instance).run("shipments")
    printed = capfd.readouterr()
    assert not result.success
    assert "what to do" in printed.err
    forging = [one for one in f"{printed.out}{printed.err}".splitlines() if BEGINS.match(one)]
    assert forging == []
    assert "\x1b[31m.csv" not in printed.err  # Dagster colours its own words


def test_the_printed_quarantine_moves_no_cursor_and_forges_no_record(
    warehouse: Warehouse,
    server: Connections,
    database: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = line(2, article_quantity=HOSTILE, sku=HOSTILE)
    deliver(warehouse, tmp_path, [line(1), line(3), bad], name=f"{FORGED}\n{FORGED}.csv")
    url = server.url(LOADER, database)
    shown = quarantine.records(url, "shipments", 10)
    heads = [one for one in shown.splitlines() if not one.startswith("  ")]
    assert len(heads) == 1
    quarantine.print_summary(url)
    for text in (shown, capsys.readouterr().out):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", text)


@pytest.mark.parametrize(
    "answer",
    [
        body(b'{"error": "x\\n' + FORGED.encode() + b'\\u001b[2J"}'),
        body(b"x\n" + FORGED.encode() + b"\x1b[2J"),
        body(b"", status=302, Location=f"http://10.0.0.1/{FORGED}"),
    ],
)
def test_words_of_a_service_forge_no_line_of_a_log(
    source: FakeSource, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    source.will(answer)
    client = HttpClient("flights", "FLIGHTS_URL", attempts=2, first_wait_seconds=0.01)
    with caplog.at_level(logging.WARNING), pytest.raises(Failure) as caught:
        client.get_json(source.url)
    text = f"{caught.value}\n{caplog.text}"
    assert not any(BEGINS.match(one) for one in text.splitlines())
    assert "\x1b" not in text


def test_tables_in_the_ui_are_escaped_text_of_limited_length() -> None:
    rows = [{"name": "<img src=x onerror=alert(1)>", "at": dt.date(2026, 1, 1), "long": "x" * 9999}]
    (record,) = as_table(rows).records
    assert record.data["name"] == "<img src=x onerror=alert(1)>"
    assert len(str(record.data["long"])) == 200
