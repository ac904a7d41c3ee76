"""The page on reliability: a summary, and a row for each source and fault from a trial of both.

`python -m docs.reliability` tries all and writes the page, which takes some minutes; `make drills`
tries them again and fails where a row differs.
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import EmbeddedPostgres
from pipelines.testing.databases import made
from pipelines_tests.drills.faults.cells import NOTHING, table_row
from pipelines_tests.drills.faults.matrix import CELLS, SOURCES, matrix
from pipelines_tests.drills.faults.sources import Source

PAGE = Path(__file__).parent / "reliability.md"
HEAD = """\
# Reliability

Look up here what Isobar does when a source fails: which rows land, what is reported, and how many
requests are sent. This page is generated from trials of every fault with every source:
`.venv/bin/python -m docs.reliability` writes it, and `make drills` repeats them. Do not edit it.

**In short.** No fault stores a value that the source did not send. Whatever is missing is reported.
When the source works again, the next run loads what is missing, once, without anyone's help.

| when | Isobar | you |
|---|---|---|
| the source is away or overloaded (no connection, time-out, 408, 429, 5xx) | retries with pauses, then fails the run | wait: the next run tries again |
| the source asks for a long wait (`Retry-After`) | fails the run without a retry; the weather retries as above | wait |
| access fails (401, 403, 404, TLS, redirect loop) | fails the run after one request | correct the key, the address or the certificate |
| the response is not data (HTML, empty, cut off, wrong encoding, error object) | stores nothing of it; retries, then fails the run | wait, or ask the source's operator |
| the response is too large (1 GB, gzip bomb) | stops reading at a limit and fails the run | ask the source's operator |
| some records are bad (missing, null, wrong type, impossible) | loads the good records, rejects the others with their reasons; the run is green and a check warns; too many bad records reject the whole delivery | read the quarantine; the source corrects the records |
| a column or field is new | loads everything; the check `schema_drift` warns, except for the weather | ask the developers to store it, if it is useful |
| a file ends within a line | waits for the rest for a minute; then loads it if its last line has all fields, else rejects it | replace the file; let senders write under another name and rename |
| a file cannot be read, or lacks a column | loads the other files; the run is red and names the file | replace the file |
| the geocoder fails | loads everything else; the run is green and `located_places` warns | wait |

There are two exceptions, both for files that a sender leaves incomplete. A file that was cut
exactly between two lines cannot be recognised as incomplete. It is loaded as it is, and the missing
lines follow when the complete file arrives. A file without a final line break waits until it has
not changed for a minute (`ISOBAR_INBOX_CUT_SECONDS`). Then its last line, if it has all fields, is
loaded as it is, and may end within a value. The complete file that follows is a delivery like any
other. Where the last value counts, as of parcels, it replaces the cut one; where the first one
stays, as of booking events, the complete line is a conflict, and the check `no_conflicts` shows
both. If the key itself was cut, there is one row too many, whose `delivery_id` names the file.

**How to read the tables.** In each trial the source's own job ran against a server, or a file, with
the fault, and again without it. The second run was green, and then everything was loaded, once.
Faults up to *wrong content type* concern the whole response. The others spoil one value in each of
several records, a different value each time. A record is a leg or an itinerary, an event, a line of
a file, an hour of a plant, or the weather of a place.

Missing records are in quarantine (`ops.quarantine`), or reported as missing days (`solar.gaps`),
places (`weather.places`) and weather (`weather.fetch_state`). *What the run says* lists the checks
that warn for a green run, and the first lines of the error for a red one. *Calls* counts the
requests to the source in that run. Time-outs were shortened for the trials: normally a client waits
5 s for a connection, 20 s between two reads and 2 min for a response (for the weather 5 s, 15 s and
30 s). `…` stands for text that differs from run to run.
"""  # noqa: E501 - rows of a table are not broken
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
