"""Compare measures with those of an earlier commit, which are in `benchmarks/baseline.json`.

Nothing here measures or prints.
"""

import json
import statistics
import subprocess
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.references import Reference
from benchmarks.report import Measure

FILE = Path(__file__).with_name("baseline.json")
#: The least spread: a calm machine differs so much from itself, and few runs do not show it.
MIN_SPREAD = 0.10


@dataclass(frozen=True)
class Baseline:
    """The ratios of a measure in the runs at one commit, the lowest first."""

    reference: str | None
    ratios: list[float]
    commit: str
    date: str

    @property
    def median(self) -> float:
        """The middle one of the ratios."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> float:
        """(highest - lowest) / median of the ratios, and at least `MIN_SPREAD`."""
        distance = self.ratios[-1] - self.ratios[0]
        return max(distance / self.median if self.median else 0.0, MIN_SPREAD)

    def __str__(self) -> str:
        return f"was {self.median:.3g} at {self.commit}"


@dataclass(frozen=True)
class Compared:
    """A measure, its ratio to its reference (without one: its value) and its baseline.

    `noise` is the spread of the reference in this run.
    """

    measure: Measure
    ratio: float
    baseline: Baseline | None
    noise: float = 0.0

    @property
    def verdict(self) -> str:
        """What to say of the ratio beside the baseline, if anything.

        "worse" or "better" is a ratio that differs from the median of the baseline by more than
        its spread, and by more than the noise: below median / (1 + spread) or above median * (1 +
        spread). "new" is a measure that should have a baseline and has none.
        """
        if self.baseline is None:
            return "new" if self.measure.is_compared else ""
        margin = 1 + max(self.baseline.spread, self.noise)
        median = self.baseline.median
        if median / margin <= self.ratio <= median * margin:
            return ""
        is_more = self.ratio > median
        return "better" if is_more == self.measure.more else "worse"

    @property
    def remark(self) -> str:
        """The verdict, and what there was before."""
        if self.baseline is None or not self.verdict:
            return self.verdict
        return f"{self.verdict} ({self.baseline})"

    @property
    def shown_ratio(self) -> str:
        """The ratio with its reference; the value with its unit where there is none."""
        return f"{self.ratio:.3g} {self.measure.reference or self.measure.unit}".strip()


def compare(
    measures: list[Measure], references: dict[str, Reference], baselines: dict[str, Baseline]
) -> list[Compared]:
    """Put each measure beside its baseline, and its target at the speed of this machine.

    A ratio to another reference is no baseline.
    """
    found = []
    for one in measures:
        ratio, noise = one.value, 0.0
        if one.reference:
            reference = references[one.reference]
            ratio, noise = reference.ratio(one.value, one.unit), reference.spread
            if one.target is not None and not one.is_beside:
                one = replace(one, target=reference.here(one.target, one.unit))
        baseline = baselines.get(one.name) if one.is_compared else None
        if baseline and baseline.reference != one.reference:
            baseline = None
        found.append(Compared(one, ratio, baseline, noise))
    return found


def gone(compared: list[Compared], baselines: dict[str, Baseline]) -> list[str]:
    """Return the names that have a baseline, but were not measured."""
    measured = {one.measure.name for one in compared if one.measure.is_compared}
    return [name for name in baselines if name not in measured]


def is_worse(compared: list[Compared], baselines: dict[str, Baseline]) -> bool:
    """Whether any measure is worse, or may be: it is gone, or there is no baseline at all."""
    return (
        not baselines
        or bool(gone(compared, baselines))
        or any(one.verdict == "worse" for one in compared)
    )


def summary(compared: list[Compared], baselines: dict[str, Baseline]) -> list[str]:
    """Return a line for each measure that is worse, new or gone, and one on the targets."""
    lines = [
        f"{one.measure.name}: {one.shown_ratio}, {one.remark}"
        for one in compared
        if one.verdict == "worse" or (one.verdict == "new" and baselines)
    ]
    lines += [f"{name}: gone ({baselines[name]})" for name in gone(compared, baselines)]
    if not baselines:
        lines.append("There is no baseline to compare with: make bench ARGS=--baseline writes it.")
    targets = [one.measure for one in compared if one.measure.target is not None]
    missed = sum(not one.is_met for one in targets)
    return [*lines, f"{missed} of {len(targets)} targets are missed."]


def columns(compared: list[Compared], baselines: dict[str, Baseline]) -> dict[str, list[str]]:
    """Return the columns of the comparison, a cell for each measure."""
    return {
        "ratio": [one.shown_ratio if one.measure.reference else "" for one in compared],
        "baseline": [f"{one.baseline.median:.3g}" if one.baseline else "" for one in compared],
        "": [one.remark if baselines else "" for one in compared],
    }


def as_json(compared: list[Compared], commit: str, date: str) -> list[dict[str, Any]]:
    """The measures for a program to read, with their ratios and baselines."""
    measures = report.as_json([one.measure for one in compared])
    return [
        measure
        | {
            "ratio": one.ratio,
            "baseline": asdict(one.baseline) if one.baseline else None,
            "is_worse": one.verdict == "worse",
            "commit": commit,
            "date": date,
        }
        for measure, one in zip(measures, compared, strict=True)
    ]


def merge(compared: list[Compared], commit: str, date: str) -> dict[str, Baseline]:
    """Return the baselines with this run: added to those at the same commit, else in their place.

    The ratios have four digits that count.
    """
    merged = {}
    for one in compared:
        if one.measure.is_compared:
            before = one.baseline.ratios if one.baseline and one.baseline.commit == commit else []
            ratios = sorted([*before, float(f"{one.ratio:.4g}")])
            merged[one.measure.name] = Baseline(one.measure.reference, ratios, commit, date)
    return merged


def read(file: Path = FILE) -> dict[str, Baseline]:
    """Return the baselines by the name of the measure; none if there is no file."""
    found: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {}
    return {name: Baseline(**one) for name, one in found.items()}


def write(baselines: dict[str, Baseline], file: Path = FILE) -> None:
    """Write a line for each measure."""
    lines = (f"{json.dumps(name)}: {json.dumps(asdict(one))}" for name, one in baselines.items())
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def measured_commit() -> str:
    """Return the last commit that changed anything but the baseline, with "+" if files differ."""
    others = ("--", ".", f":(exclude)benchmarks/{FILE.name}")
    commit = _git("log", "-1", "--abbrev=7", "--format=%h", *others)
    return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no", *others) else "")


def _git(*words: str) -> str:
    root = FILE.parents[1]
    done = subprocess.run(["git", *words], cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()
