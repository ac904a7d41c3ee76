"""Every source with every fault: nothing false, nothing lost unsaid, all there in the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import reliability
from pipelines.postgres.server import Connections
from pipelines_tests.drills.faults.matrix import CELLS, SOURCES, Matrix, few_cells, matrix
from pipelines_tests.drills.faults.sources import Source
from pipelines_tests.drills.form import LONG

TRIED = CELLS if LONG else few_cells()
REWRITE = "; where that is meant, .venv/bin/python -m docs.reliability rewrites the page"


@pytest.fixture(scope="session")
def tried(server: Connections, template: str, state_folder: Path) -> Iterator[Matrix]:
    with matrix(server, template, state_folder) as cells:
        yield cells


@pytest.mark.parametrize(
    ("source", "fault"), TRIED, ids=[f"{source.title}: {fault}" for source, fault in TRIED]
)
def test_data_delayed_by_a_fault_is_reported_and_arrives_afterwards(
    tried: Matrix, source: Source, fault: str
) -> None:
    row = tried.cell(source, fault).row()
    documented = [one for one in _rows()[source.title] if one.startswith(f"| {fault} |")]
    assert [row] == documented, f"docs/reliability.md says otherwise of {source.title}{REWRITE}"


def test_the_page_has_each_source_and_fault_once() -> None:
    rows = _rows()
    assert [*rows] == [source.title for source in SOURCES]
    for source in SOURCES:
        faults = [row.removeprefix("| ").split(" | ")[0] for row in rows[source.title]]
        tried = [fault for one, fault in CELLS if one is source]
        assert faults[: len(tried)] == tried
        spared = ", ".join(faults[len(tried) :])
        assert sorted(spared.split(", ")) == sorted(source.spared) or not source.spared


def _rows() -> dict[str, list[str]]:
    return reliability.rows_of(reliability.PAGE.read_text())
