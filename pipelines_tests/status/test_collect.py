"""A probe that fails is repeated with more time: slow is not bad, and what is away stays bad."""

import datetime as dt
import threading
from typing import Literal

import pytest

from pipelines.failures import TransientFailure
from pipelines.orchestration.operations.problems import Problem
from pipelines.status import collect, rules
from pipelines.status.collect import _Probe

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
AWAY = TransientFailure("database", "connection refused", place="here", remedy="Start it.")


def test_what_answers_at_once_is_not_slow() -> None:
    look = _Probe("here", lambda _: 7, (5, 5))
    assert look.result() == 7
    assert look.slow_seconds is None


def test_what_times_out_once_is_slow_and_not_bad() -> None:
    free = threading.Event()
    look = _Probe("here", lambda seconds: seconds > 30 or free.wait(60), (0.05, 30))
    assert look.result()
    free.set()
    assert look.slow_seconds is not None
    (problem,) = rules.of_slow({"database": look.slow_seconds}, NOW)
    assert problem.what.startswith("The database is slow")
    assert rules.status_of([problem]) == "warning"


def test_what_fails_at_once_and_then_answers_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "PAUSE_SECONDS", 0.01)
    tried = []

    def look(seconds: float) -> int:
        tried.append(seconds)
        if len(tried) == 1:
            raise AWAY
        return 7

    found = _Probe("here", look, (5, 6))
    assert found.result() == 7
    assert found.slow_seconds is None


def test_what_fails_twice_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "PAUSE_SECONDS", 0.01)
    tried = []

    def look(seconds: float) -> None:
        tried.append(seconds)
        raise AWAY

    with pytest.raises(TransientFailure, match="connection refused"):
        _Probe("here", look, (5, 6)).result()
    assert tried == [6, 7]


def test_what_never_answers_is_bad() -> None:
    free = threading.Event()
    with pytest.raises(TransientFailure, match="did not answer within 0 s"):
        _Probe("here", lambda _: free.wait(60), (0.05, 0.1)).result()
    free.set()


def test_the_newest_warning_is_the_first_after_the_errors() -> None:
    """Of many warnings, the report shows only the first."""

    def problem(key: str, severity: Literal["error", "warning"], hour: int) -> Problem:
        return Problem(
            key, severity, "", "", dt.datetime(2026, 11, 20, hour, tzinfo=dt.UTC), "", ""
        )

    found = [problem("old", "warning", 1), problem("new", "warning", 3), problem("bad", "error", 2)]
    assert [one.key for one in sorted(found, key=collect.worst_first)] == ["bad", "new", "old"]
