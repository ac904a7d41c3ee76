"""One cell: a source with one fault, as its own job meets it, and again when the fault is gone."""

import html
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import ClassVar
from unittest.mock import patch

import dagster as dg

from pipelines.definitions import build_definitions
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.ingest import inbox as inboxes
from pipelines.ingest import service
from pipelines.orchestration import loading, resources
from pipelines.sources.bookings import client as bookings_client
from pipelines.sources.flights import client as flights_client
from pipelines.sources.solar import client as solar_client
from pipelines.sources.solar import jobs as solar_jobs
from pipelines.sources.weather import clients as weather_clients
from pipelines.sources.weather import fetch as weather_fetch
from pipelines.sources.weather import jobs as weather_jobs
from pipelines_tests.drills.faults.faults import CONTENT, SHORT_WAITS
from pipelines_tests.drills.faults.sources import Bench, Source

MAX_CHARACTERS = 160
NOTHING = "\N{EN DASH}"
QUARANTINED = "SELECT unnest(reasons[1:1]) FROM ops.quarantine ORDER BY quarantine_id"


class Quick(HttpClient):
    """The real client with all its patience, but for the time between its tries; it is counted."""

    calls: ClassVar[int] = 0
    waits: ClassVar[Mapping[str, float]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, seconds in {"first_wait_seconds": 0.001, **self.waits}.items():
            object.__setattr__(self, name, seconds)

    def _get_once(self, url: str, params: Mapping[str, str] | None, attempt: int) -> JsonResponse:
        Quick.calls += 1
        return super()._get_once(url, params, attempt)


@dataclass(frozen=True)
class Cell:
    """The outcome of a source's records under a fault, in reproducible words."""

    fault: str
    lands: str
    aside: str
    says: str
    calls: str

    def row(self) -> str:
        """Return the row as in the table of docs/reliability.md."""
        return table_row(self.fault, self.lands, self.aside, self.says, self.calls)


def table_row(*cells: str) -> str:
    """A row of a table in Markdown, whatever is in its cells."""
    words = (html.escape(one, quote=False).replace("|", "\\|") for one in cells)
    return f"| {' | '.join(words)} |"


def observe(bench: Bench, source: Source, fault: str, truth: set[str]) -> Cell:
    """Bring a source up to date under a fault, and again without; `truth` is what should be stored.

    Asserts that nothing false landed, that nothing is missing from a green run without a word, and
    that all is there in the end.
    """
    with source.open(bench) as server, dg.DagsterInstance.ephemeral() as instance:
        result, calls = _run(bench, source, instance, server.serve(fault), fault)
        assert fault not in CONTENT or server.is_spoiled, "the fault changes nothing"
        stored = _stored(bench, source)
        aside = _reported(bench, source)
        says = _said(result)
        assert stored <= truth, f"landed, though nobody said so: {sorted(stored - truth)}"
        missing = len(truth - stored)
        assert not result.success or len(aside) >= missing, "green run, data missing"
        _assert_clear(result)
        bench.clock.now += source.later
        again, _ = _run(bench, source, instance, server.serve(None), None)
        assert again.success, _said(again)
        lacking = truth - _stored(bench, source)
        assert not lacking, f"still missing when the fault is gone: {sorted(lacking)}"
        assert _stored(bench, source) == truth
    return Cell(fault, _lands(stored, truth), _counted(aside), says, str(calls or NOTHING))


def true_rows(bench: Bench, source: Source) -> set[str]:
    """Return what a healthy source stores."""
    with source.open(bench) as server, dg.DagsterInstance.ephemeral() as instance:
        result, _ = _run(bench, source, instance, server.serve(None), None)
        assert result.success, _said(result)
        assert _reported(bench, source) == []
        return _stored(bench, source)


def _run(
    bench: Bench,
    source: Source,
    instance: dg.DagsterInstance,
    environment: Mapping[str, str],
    fault: str | None,
) -> tuple[dg.ExecuteInProcessResult, int]:
    """Return the run and the number of requests to the source."""
    Quick.calls, Quick.waits = 0, SHORT_WAITS.get(fault or "", {})
    with _surroundings(bench, environment):
        result = _job(source.job, frozenset(environment)).execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name.split(".")) for name in source.assets],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
            tags={"isobar/interactive": "a test"},
        )
    return result, Quick.calls


@cache
def _job(name: str, variables: frozenset[str]) -> dg.JobDefinition:
    """The job as it is built where these variables are set: its resources read no others."""
    return build_definitions().resolve_job_def(name)


@contextmanager
def _surroundings(bench: Bench, environment: Mapping[str, str]) -> Iterator[None]:
    """The environment of a run, its clock, and no waiting but for time-outs."""
    variables = {
        "ISOBAR_SOURCES": "live",
        "DATABASE_URL": bench.warehouse_url,
        "WEATHER_BASE_URL": bench.sandbox_url,
        "GEOCODING_BASE_URL": bench.sandbox_url,
        "ISOBAR_INBOX_CUT_SECONDS": "0",  # as after the minute for which a cut file waits
        **environment,
    }
    with ExitStack() as stack:
        for module in (resources, loading, solar_jobs, weather_jobs):
            stack.enter_context(patch.object(module, "utc_now", bench.clock))
        stack.enter_context(patch.object(weather_fetch, "WAITS_SECONDS", (0.0, 0.0, 0.0)))
        for module in (service, bookings_client, flights_client, solar_client, weather_clients):
            stack.enter_context(patch.object(module, "HttpClient", Quick))
        stack.enter_context(patch.object(inboxes, "SETTLE_SECONDS", 0.05))
        stack.enter_context(patch.dict(os.environ, variables))
        yield


def _stored(bench: Bench, source: Source) -> set[str]:
    rows = [str(row[0]) for row in bench.owner.execute(source.stored)]
    assert len(rows) == len(set(rows)), "doubled"
    return set(rows)


def _reported(bench: Bench, source: Source) -> list[str]:
    """Return why records are in quarantine, or known to be missing."""
    queries = [QUARANTINED, *([source.reported] if source.reported else [])]
    found = [[str(row[0]) for row in bench.owner.execute(query)] for query in queries]
    return max(found, key=len)


def _lands(stored: set[str], truth: set[str]) -> str:
    if stored == truth:
        return f"all {len(truth)}"
    return f"{len(stored)} of {len(truth)}" if stored else "nothing"


def _counted(aside: list[str]) -> str:
    if not aside:
        return NOTHING
    words = list(dict.fromkeys(steady(reason) for reason in aside))
    others = len(words) - 1
    more = f"; {others} other reason{'s' if others > 1 else ''}" if others else ""
    return f"{len(aside)}: {words[0]}{more}"


def _failures(result: dg.ExecuteInProcessResult) -> list[str]:
    problems = []
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            user = data.user_failure_data
            problems.append(str(user.description if user else data.error))
    return problems


def _said(result: dg.ExecuteInProcessResult) -> str:
    failed = sorted(
        {one.check_name for one in result.get_asset_check_evaluations() if not one.passed}
    )
    checks = "".join(f", `{name}`" for name in failed)
    words = [steady(" ".join(re.split(r"\n  where:", one)[0].split())) for one in _failures(result)]
    return f"red: {'; '.join(words)}{checks}" if words else f"green{checks}"


def _assert_clear(result: dg.ExecuteInProcessResult) -> None:
    """Check that a failed run has our own message, with what to do."""
    for words in _failures(result):
        assert "Traceback" not in words, words
        assert "what to do:" in words, words


def steady(words: str) -> str:
    """Words without what differs from one time to the next."""
    for pattern, instead in (
        (r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z)?)?", "…"),
        (r" (Try again later|Trying again will not help).*", ""),
        (r"(is not a (?:number|string): ).*\d.*", r"\1…"),
        (r"127\.0\.0\.1:\d+", "…"),
        (r"[\d,]+ bytes", "… bytes"),
        (r"(line|column|char|position) [\d,]+", r"\1 …"),
    ):
        words = re.sub(pattern, instead, words)
    words = words.removesuffix(".")
    return words if len(words) <= MAX_CHARACTERS else f"{words[: MAX_CHARACTERS - 1]}…"
