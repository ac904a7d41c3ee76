"""Whatever can turn red stands in the page of operations, with what to do then."""

import re

from docs import reference
from pipelines.definitions import definitions
from pipelines_tests.documents.pages import OPERATIONS, rows

ROWS, REFERENCE = rows(OPERATIONS), rows(reference.PAGE)


def names() -> set[str]:
    """Every check, schedule, sensor and job."""
    repository = definitions.get_repository_def()
    found = {key.name for key in repository.asset_graph.asset_check_keys}
    found |= {one.name for one in repository.schedule_defs}
    found |= {one.name for one in repository.sensor_defs}
    return found | {name for name in repository.job_names if not name.startswith("__")}


def test_the_reference_is_what_is_declared() -> None:
    """And with it whatever can turn red has a row with what to do."""
    assert reference.PAGE.read_text() == reference.page(definitions), "run make docs"
    for file, made in (
        (reference.EXAMPLE, reference.example),
        (reference.COMPOSE, reference.compose),
    ):
        assert file.read_text() == made(file.read_text()), f"{file}: run make docs"
    listed = {name for row in REFERENCE for name in re.findall(r"^`(\w+)`$", row[0])}
    assert names() - listed == set()
