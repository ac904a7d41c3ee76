"""Measurements beside their targets, and progress while they are made."""

import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.postgres.software import find_binaries


@dataclass(frozen=True)
class Measure:
    """A number, its unit, the target, and the reference whose speed it depends on.

    `reference` is one of `benchmarks/references.py`. Memory, counts and factors do not depend on
    the speed of the machine and have none. `target` is stated for the machine of
    `references.STATED`, unless it was measured in the same run (`is_beside`). `more` says that more
    is better, as for answers a second. What others do has no target. Neither that nor a factor
    beside it is compared with the baseline (`is_compared`): it changes although ours does not.
    """

    name: str
    value: float
    unit: str
    target: float | None
    reference: str | None = None
    more: bool = False
    is_compared: bool = True
    is_beside: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the target is reached, if there is one."""
        if self.target is None:
            return True
        return self.value >= self.target if self.more else self.value <= self.target


def factor(name: str, value: float, target: float) -> Measure:
    """How many times faster ours is than something beside it in the same run."""
    return Measure(name, value, "x", target, more=True, is_compared=False)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say on stderr that something begins, and after how many seconds it has ended."""
    sys.stderr.write(f"{name} …\n")
    began = time.monotonic()
    yield
    sys.stderr.write(f"{name}: {time.monotonic() - began:.1f} s\n")


def answers_a_second(url: str, script: str, *, clients: int = 2, seconds: int = 3) -> float:
    """How often pgbench gets an answer to a script of SQL, with prepared statements."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                find_binaries() / "pgbench",
                *("--no-vacuum", "--protocol=prepared", f"--client={clients}"),
                *(f"--time={seconds}", f"--file={file.name}", url),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def peak_megabytes() -> float:
    """Return the most memory that this process used at once.

    Of the program alone where the kernel reports it; else with its parent's at the start.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(measures: list[Measure], beside: Mapping[str, list[str]] | None = None) -> None:
    """Print all measures as a table; `beside` has more columns, a cell for each measure."""
    more = beside or {}
    table = Table("measure", box=None, header_style="bold", pad_edge=False)
    for column in ("value", "target", "of target", *more):
        table.add_column(column, justify="right")
    for number, one in enumerate(measures):
        table.add_row(
            one.name,
            f"{one.value:,.1f} {one.unit}",
            f"{one.target:,.4g} {one.unit}" if one.target is not None else "",
            (f"{one.value / one.target:.2f}" if one.target else "")
            + ("" if one.is_met else " missed"),
            *(cells[number] for cells in more.values()),
        )
    Console(width=160 if more else 110).print(table)


def as_json(measures: list[Measure]) -> list[dict[str, Any]]:
    """The measures for a program to read."""
    return [asdict(one) | {"is_met": one.is_met} for one in measures]
