"""Measurements beside their targets."""

import re
import resource
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.postgres.software import find_binaries


@dataclass(frozen=True)
class Measure:
    """A number, its unit, the target, and how many times row by row it is, where that is known.

    What stands beside ours for comparison has no target.

    `more` says that more is better, as for answers a second.
    """

    name: str
    value: float
    unit: str
    target: float | None
    times_reference: float | None = None
    more: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the target is reached, if there is one."""
        if self.target is None:
            return True
        return self.value >= self.target if self.more else self.value <= self.target


def answers_a_second(url: str, script: str, *, clients: int = 2, seconds: int = 5) -> float:
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


def show(measures: list[Measure]) -> None:
    """Print all measures as a table."""
    table = Table("measure", box=None, header_style="bold", pad_edge=False)
    for column in ("value", "target", "of target", "times row by row"):
        table.add_column(column, justify="right")
    for one in measures:
        table.add_row(
            one.name,
            f"{one.value:,.1f} {one.unit}",
            f"{one.target:,.4g} {one.unit}" if one.target is not None else "",
            (f"{one.value / one.target:.2f}" if one.target else "")
            + ("" if one.is_met else " missed"),
            f"{one.times_reference:,.0f}" if one.times_reference else "",
        )
    Console(width=110).print(table)


def as_json(measures: list[Measure]) -> list[dict[str, Any]]:
    """The measures for a program to read."""
    return [asdict(one) | {"is_met": one.is_met} for one in measures]
