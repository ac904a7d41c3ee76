"""The page of what happens when a source fails: a row for each source and fault, as it was tried.

`python -m docs.reliability` tries all and writes the page, which takes some minutes; `make drills`
tries them again and fails where a row is another now.
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.databases import made
from pipelines_tests.drills.faults.cells import NOTHING, table_row
from pipelines_tests.drills.faults.matrix import CELLS, SOURCES, matrix
from pipelines_tests.drills.faults.sources import Source

PAGE = Path(__file__).parent / "reliability.md"
HEAD = """\
# Reliability

What happens when a source fails, source by source and fault by fault. Each row was tried: the
source's own job ran against a server, or a file, that has the fault, and was run again when the
fault was gone. In every row

- nothing landed that the source did not say;
- what is missing is reported: the run is red and says why, or the records are in quarantine
  (`ops.quarantine`), or the plant's days and the places are reported as missing (`solar.gaps`,
  `weather.fetch_state`, `weather.places`);
- the run after the fault was green, and then all was there, once.

Faults up to *wrong content type* concern the whole response. The others spoil one value in each of
several records, a different one each time, and leave the rest intact. A record is a leg or an
itinerary, an event, a line of a file, an hour of a plant, or the weather of a place.

*Calls* is the number of requests to the source in that run. For a green run the column names the
checks that warn, for a red one it has the first lines of the error. Time-outs were shortened for
the trial: a client waits 5 s for a connection, 20 s between two reads and 2 min for a response (for
the weather 5 s, 15 s and 30 s). `…` stands for text that differs from run to run.

A file that was cut exactly between two lines cannot be recognised. It is loaded as it is, and the
missing lines are loaded when the complete file arrives.

`.venv/bin/python -m docs.reliability` writes this page; do not edit it.
"""
TITLES = (
    "fault",
    "what lands",
    "in quarantine, or reported as missing",
    "what the run says",
    "calls",
)


def page(tried: Mapping[str, Sequence[str]]) -> str:
    """The whole page, of the rows of each source by its title."""
    return "\n".join([HEAD, *(_section(one, tried[one.title]) for one in SOURCES)])


def _section(source: Source, rows: Sequence[str]) -> str:
    reasons = dict.fromkeys(source.spared.values())
    spared = [
        table_row(
            ", ".join(fault for fault, why in source.spared.items() if why == reason),
            *(NOTHING, NOTHING, f"cannot be: {reason}", NOTHING),
        )
        for reason in reasons
    ]
    head = [f"## {source.title}", "", f"| {' | '.join(TITLES)} |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, *spared, ""])


def rows_of(text: str) -> dict[str, list[str]]:
    """The rows of each section of the page, by its title."""
    sections = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    return {
        title: re.findall(r"^\|.*\|$", section, re.MULTILINE)[2:]
        for title, section in zip(sections[::2], sections[1::2], strict=True)
    }


def main() -> None:
    """Try every cell, and write the page."""
    tried: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="isobar-docs-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, the server is another user
        server = EmbeddedPostgres(folder / "server")
        try:
            connections = server.start()
            with made(connections) as template:
                migrate(connections.url(SUPERUSER, template))
                with matrix(connections, template, folder) as cells:
                    for source, fault in CELLS:
                        row = cells.cell(source, fault).row()
                        tried.setdefault(source.title, []).append(row)
        finally:
            server.stop()
    PAGE.write_text(page(tried))


if __name__ == "__main__":
    main()
