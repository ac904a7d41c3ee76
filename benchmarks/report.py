"""Measurements beside their targets, and progress while they are made."""

import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipelines.postgres.software import find_binaries


@dataclass(frozen=True)
class Measure:
    """A number, its unit and the target, at the speed of this machine.

    `more` says that more is better, as for answers a second. What others do has no target.
    """

    name: str
    value: float
    unit: str
    target: float | None
    more: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the target is reached, if there is one."""
        if self.target is None:
            return True
        return self.value >= self.target if self.more else self.value <= self.target


def factor(name: str, value: float, target: float) -> Measure:
    """How many times faster ours is than something beside it in the same run."""
    return Measure(name, value, "x", target, more=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say on stderr that something begins, and after how many seconds it has ended."""
    sys.stderr.write(f"{name} …\n")
    began = time.monotonic()
    yield
    sys.stderr.write(f"{name}: {time.monotonic() - began:.1f} s\n")


def answers_a_second(url: str, script: str) -> float:
    """How often pgbench gets an answer to a script of SQL, with prepared statements."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                find_binaries() / "pgbench",
                *("--no-vacuum", "--protocol=prepared", "--time=2", f"--file={file.name}", url),
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


def show(measures: list[Measure]) -> None:
    """Print all measures as a table, and how many miss their target."""
    table = Table("measure", box=None, header_style="bold", pad_edge=False)
    for column in ("value", "target", "of target"):
        table.add_column(column, justify="right")
    for one in measures:
        table.add_row(
            one.name,
            f"{one.value:,.1f} {one.unit}",
            f"{one.target:,.4g} {one.unit}" if one.target is not None else "",
            (f"{one.value / one.target:.2f}" if one.target else "")
            + ("" if one.is_met else " missed"),
        )
    console = Console(width=110)
    console.print(table)
    targets = [one for one in measures if one.target is not None]
    missed = sum(not one.is_met for one in targets)
    console.print(f"{missed} of {len(targets)} targets are missed.")
