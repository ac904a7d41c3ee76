"""What `make bench` says beside its baseline; how it measures is not tested."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks import baseline
from benchmarks.baseline import Baseline, Compared
from benchmarks.references import COPY, LOOKUPS, Reference
from benchmarks.report import Measure
from pipelines_tests.command import PROJECT

LOAD, PAGE = "bookings: load 1,000,000 lines", "shipments: page of 100"
MEMORY, UNCHANGED = "bookings: its memory", "bookings: events changed by both"
#: 400,000 rows are copied in a second, a million in 2.5; a lookup takes 0.1 ms.
REFERENCES = {
    COPY: Reference("rows/s", 1_000_000, 400_000.0, [380_000.0, 400_000.0, 410_000.0]),
    LOOKUPS: Reference("answers/s", 1, 10_000.0, [10_000.0]),
}
BASELINES = {
    LOAD: Baseline(COPY, [0.30, 0.31, 0.36], "1a2b3c4", "2026-03-02"),
    PAGE: Baseline(LOOKUPS, [40.0], "1a2b3c4", "2026-03-02"),
    MEMORY: Baseline(None, [320.0, 322.0], "1a2b3c4", "2026-03-02"),
    UNCHANGED: Baseline(None, [0.0], "1a2b3c4", "2026-03-02"),
}


def load(lines_a_second: float) -> Measure:
    return Measure(LOAD, lines_a_second, "lines/s", 100_000.0, COPY, more=True)


def page(milliseconds: float) -> Measure:
    return Measure(PAGE, milliseconds, "ms", 5.0, LOOKUPS)


def as_before() -> list[Measure]:
    return [
        load(124_000.0),
        page(4.0),
        Measure(MEMORY, 321.0, "MB", 500.0),
        Measure(UNCHANGED, 0.0, "", 0.0),
    ]


def compared(*measures: Measure) -> list[Compared]:
    return baseline.compare(list(measures), REFERENCES, BASELINES)


def verdict(measure: Measure) -> str:
    (found,) = compared(measure)
    return found.verdict


def test_a_rate_is_a_share_of_its_reference_and_a_duration_a_multiple() -> None:
    seconds = Measure("flights: load", 5.0, "s", 8.0, COPY)
    ratios = [one.ratio for one in compared(load(100_000.0), page(5.0), seconds)]
    assert ratios == pytest.approx([0.25, 50.0, 2.0])


def test_a_number_without_reference_is_compared_as_it_is() -> None:
    assert [one.ratio for one in compared(Measure(MEMORY, 321.0, "MB", 500.0))] == [321.0]


def test_a_target_is_stated_for_a_calm_machine() -> None:
    slow = {COPY: Reference("rows/s", 1_000_000, 400_000.0, [200_000.0])}
    beside = Measure("bookings: load, half stored", 50_000.0, "lines/s", 60_000.0, COPY, True)
    measures = [
        load(60_000.0),
        Measure("flights: load", 15.0, "s", 8.0, COPY),
        replace(beside, is_beside=True),
    ]
    found = [one.measure for one in baseline.compare(measures, slow, {})]
    assert [one.target for one in found] == [50_000.0, 16.0, 60_000.0]
    assert [one.is_met for one in found] == [True, True, False]


def test_a_fast_machine_does_not_hide_a_slow_load() -> None:
    """Twice as fast as at the baseline, on a machine that is four times as fast."""
    fast = {COPY: Reference("rows/s", 1_000_000, 400_000.0, [1_600_000.0])}
    (found,) = baseline.compare([load(248_000.0)], fast, BASELINES)
    assert found.verdict == "worse"


@pytest.mark.parametrize(
    ("ratio", "expected"),
    # from 0.30 to 0.36, so the spread is 0.06 / 0.31 = 19 %
    [(0.25, "worse"), (0.27, ""), (0.36, ""), (0.38, "better")],
)
def test_more_is_better_and_as_far_away_as_the_spread_seen(ratio: float, expected: str) -> None:
    assert verdict(load(ratio * 400_000)) == expected


def test_a_run_in_which_the_reference_differs_from_itself_finds_little() -> None:
    for rates, expected in (([8_000.0, 10_000.0, 14_000.0], ""), ([9_900.0, 10_000.0], "worse")):
        noisy = {LOOKUPS: Reference("answers/s", 1, 10_000.0, rates)}
        (found,) = baseline.compare([page(5.0)], noisy, BASELINES)
        assert found.verdict == expected


def test_there_is_a_baseline_of_one_commit() -> None:
    assert len({one.commit for one in baseline.read().values()}) == 1


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [(3.5, "better"), (3.7, ""), (4.3, ""), (4.5, "worse")],
)
def test_less_is_better_and_one_run_has_a_spread_of_ten_percent(
    milliseconds: float, expected: str
) -> None:
    assert verdict(page(milliseconds)) == expected


def test_a_count_that_was_zero_is_worse_by_one() -> None:
    assert verdict(Measure(UNCHANGED, 0.0, "", 0.0)) == ""
    assert verdict(Measure(UNCHANGED, 1.0, "", 0.0)) == "worse"


def test_a_run_as_before_passes_the_check_and_counts_missed_targets() -> None:
    found = compared(*as_before())
    assert not baseline.is_worse(found, BASELINES)
    assert baseline.summary(found, BASELINES) == ["0 of 4 targets are missed."]
    slow = compared(*as_before(), Measure("bookings: dlt", 9.0, "s", 8.0, is_compared=False))
    assert baseline.summary(slow, BASELINES) == ["1 of 5 targets are missed."]


def test_what_is_worse_is_named_with_its_commit_and_fails_the_check() -> None:
    found = compared(load(80_000.0), *as_before()[1:])
    assert baseline.is_worse(found, BASELINES)
    assert baseline.summary(found, BASELINES) == [
        f"{LOAD}: 0.2 COPY, worse (was 0.31 at 1a2b3c4)",
        "1 of 4 targets are missed.",
    ]
    columns = baseline.columns(found, BASELINES)
    assert [cells[0] for cells in columns.values()] == [
        "0.2 COPY",
        "0.31",
        "worse (was 0.31 at 1a2b3c4)",
    ]


def test_without_a_baseline_the_check_fails_and_the_summary_says_so(tmp_path: Path) -> None:
    none = baseline.read(tmp_path / "baseline.json")
    found = baseline.compare(as_before(), REFERENCES, none)
    assert baseline.is_worse(found, none)
    assert baseline.summary(found, none)[0].startswith("There is no baseline to compare with")
    assert set(baseline.columns(found, none)[""]) == {""}


def test_a_new_measure_is_named_and_passes() -> None:
    new = Measure("parcels: load", 2.5, "s", 4.0, COPY)
    found = compared(*as_before(), new)
    assert not baseline.is_worse(found, BASELINES)
    assert baseline.summary(found, BASELINES)[0] == "parcels: load: 1 COPY, new"


def test_a_measure_with_another_reference_is_new() -> None:
    assert verdict(Measure(PAGE, 4.0, "ms", 5.0, COPY)) == "new"


def test_a_measure_that_is_gone_fails_the_check() -> None:
    found = compared(*as_before()[1:])
    assert baseline.is_worse(found, BASELINES)
    assert baseline.summary(found, BASELINES)[0] == f"{LOAD}: gone (was 0.31 at 1a2b3c4)"


def test_what_stands_beside_ours_is_neither_compared_nor_stored() -> None:
    beside = Measure("bookings: dlt", 1.0, "lines/s", None, COPY, more=True, is_compared=False)
    assert verdict(beside) == ""
    assert baseline.merge(compared(beside), "5d6e7f8", "2026-03-09") == {}
    assert verdict(Measure(PAGE, 9.0, "ms", None, LOOKUPS, is_compared=False)) == ""


def test_runs_at_one_commit_are_merged_and_a_new_commit_replaces_them(tmp_path: Path) -> None:
    found = compared(load(130_000.0), page(4.0))
    again = baseline.merge(found, "1a2b3c4", "2026-03-03")
    assert again[LOAD] == Baseline(COPY, [0.30, 0.31, 0.325, 0.36], "1a2b3c4", "2026-03-03")
    renewed = baseline.merge(found, "5d6e7f8", "2026-03-09")
    assert renewed == {
        LOAD: Baseline(COPY, [0.325], "5d6e7f8", "2026-03-09"),
        PAGE: Baseline(LOOKUPS, [40.0], "5d6e7f8", "2026-03-09"),
    }
    file = tmp_path / "baseline.json"
    baseline.write(renewed, file)
    assert baseline.read(file) == renewed


def test_each_week_is_kept_beside_the_weeks_before(tmp_path: Path) -> None:
    branch, file = tmp_path / "repository", tmp_path / "bench.json"
    subprocess.run(["git", "init", "--quiet", "--bare", branch], check=True)
    for date, rate in (("2026-03-02", 100_000.0), ("2026-03-09", 50_000.0)):
        written = baseline.as_json(compared(load(rate)), "1a2b3c4", date)
        file.write_text(json.dumps(written))
        subprocess.run(
            [PROJECT / ".ci" / "keep-benchmarks", file, branch.as_uri()],
            env={**os.environ, "PYTHON": sys.executable},
            capture_output=True,
            check=True,
        )
    assert written[0]["is_worse"] is True
    assert written[0]["baseline"] == asdict(BASELINES[LOAD])

    def shown(name: str) -> str:
        command = ["git", "-C", str(branch), "show", f"benchmarks:{name}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert [json.loads(shown(f"2026-03-0{day}.json"))[0]["ratio"] for day in (2, 9)] == [
        0.25,
        0.125,
    ]
    assert "| 2026-03-02 | 2026-03-09 |" in shown("README.md")
    assert f"| {LOAD}, COPY | 0.25 | 0.125 |" in shown("README.md")
