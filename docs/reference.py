"""The reference: sources, their variables, checks, schedules, sensors and jobs, as declared.

`docs.generate` writes the page, and the blocks of sources in `.env.example` and
`docker-compose.yml`; a test fails while they are not what this gives.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from pipelines.ingest.reasons import REASON_CODES
from pipelines.orchestration.checks import expectation_and_remedy
from pipelines.orchestration.schedule_config import timetable
from pipelines.source import Source, is_plugin, sources

PROJECT = Path(__file__).parent.parent
PAGE = Path(__file__).parent / "reference.md"
EXAMPLE, COMPOSE = PROJECT / ".env.example", PROJECT / "docker-compose.yml"
BLOCK = re.compile(r"(# <sources>\n).*?( *# </sources>)", re.DOTALL)
WIDTH = 110
HEAD = """\
# Reference

Look up a source, variable, reason code, check, schedule, sensor or job, and what to do about it.
This page is generated from the declarations of the sources: `make docs` writes it; do not edit it.
[Operations](operations.md) describes how to operate all of it.
"""


def page(definitions: dg.Definitions) -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            _sources(),
            _variables(),
            _reason_codes(),
            _checks(definitions),
            *_automation(definitions),
        ]
    )


def example(text: str) -> str:
    """`.env.example` with the variables of all sources between its markers."""
    made = "\n\n".join(_examples()) + "\n\n"
    return BLOCK.sub(lambda found: found[1] + made + found[2], text)


def compose(text: str) -> str:
    """`docker-compose.yml` with the variables of all sources between its markers."""
    lines = []
    for source in own_sources():
        for field, name in source.settings.variables().items():
            lines.append(f"  {name}: ${{{name}:-}}")
            if source.settings.about(field).get("secret"):
                lines.append(f"  {name}_FILE: /run/secrets/{name.lower()}")
    made = "\n".join(lines) + "\n"
    return BLOCK.sub(lambda found: found[1] + made + found[2], text)


def own_sources() -> list[Source]:
    """The sources of the project itself: what is written must not depend on what is installed."""
    return [source for source in sources().values() if not is_plugin(source)]


def _sources() -> str:
    lines = ["## Sources", "", "| source | data | from | job |", "|---|---|---|---|"]
    for one in own_sources():
        inputs = "<br>".join(part.about for part in one.inputs)
        lines.append(f"| `{one.name}` | {one.about} | {inputs} | {one.job} |")
    return "\n".join([*lines, ""])


def _reason_codes() -> str:
    lines = [
        "## Reason codes",
        "",
        (
            "Why a record is in quarantine: `ops.quarantine.reason_codes`, one for each of the"
            " `reasons`, which say it in words. After a correction on our side, such as a plant's"
            " time zone, `isobar quarantine retry` reads the records again."
        ),
        "",
        "| source | code | meaning | what to do |",
        "|---|---|---|---|",
    ]
    lines += [f"| all | `{one.code}` | {one.means} | {one.remedy} |" for one in REASON_CODES]
    lines += [
        f"| {source.name} | `{one.code}` | {one.means} | {one.remedy} |"
        for source in own_sources()
        for one in source.reason_codes
    ]
    return "\n".join([*lines, ""])


def _variables() -> str:
    lines = [
        "## Variables of sources",
        "",
        "| variable | meaning | default |",
        "|---|---|---|",
    ]
    for source in own_sources():
        for field, name in source.settings.variables().items():
            info = source.settings.model_fields[field]
            default = "" if info.default is None else f"`{info.default}`"
            lines.append(f"| `{name}` | {info.description} | {default} |")
    return "\n".join([*lines, ""])


def _examples() -> Iterator[str]:
    for source in own_sources():
        for field, name in source.settings.variables().items():
            info = source.settings.model_fields[field]
            about = textwrap.wrap(info.description or "", WIDTH - 2)
            shown = source.settings.about(field).get("example") or (info.examples or [""])[0]
            value = info.default if info.default is not None else shown
            yield "\n".join([*(f"# {line}" for line in about), f"# {name}={value}"])


def _checks(definitions: dg.Definitions) -> str:
    graph = definitions.resolve_asset_graph()
    found: dict[str, tuple[list[str], str, str, str]] = {}
    for key in sorted(graph.asset_check_keys, key=lambda one: (one.name, str(one.asset_key))):
        spec = graph.get_check_spec(key)
        expects, remedy = expectation_and_remedy(spec.description or "")
        kind = "error" if spec.blocking else "warning"
        on = found.setdefault(key.name, ([], kind, expects, remedy or ""))[0]
        on.append(f"`{'.'.join(key.asset_key.path)}`")
    lines = [
        "## Checks",
        "",
        (
            "An *error* blocks the assets downstream, a *warning* does not. The page of a check in"
            " the web UI shows the rows that it found."
        ),
        "",
        "| check | of | kind | expectation | if it fails |",
        "|---|---|---|---|---|",
    ]
    for name, (on, kind, expects, remedy) in sorted(found.items()):
        expects = expects.replace(" of the last delivery", "")
        lines.append(f"| `{name}` | {', '.join(on)} | {kind} | {expects} | {remedy} |")
    return "\n".join([*lines, ""])


def _automation(definitions: dg.Definitions) -> Iterator[str]:
    repository = definitions.get_repository_def()
    lines = ["## Schedules", "", "| schedule | when | starts | purpose |", "|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | `{one.cron}` {one.zone} | `{one.job}` | {one.about} |"
        for one in sorted(timetable().values(), key=lambda one: one.name)
    ]
    yield "\n".join([*lines, ""])
    lines = ["## Sensors", "", "| sensor | interval | starts | purpose |", "|---|---|---|---|"]
    for sensor in sorted(repository.sensor_defs, key=lambda one: one.name):
        every = f"every {sensor.minimum_interval_seconds} s"
        started = "" if len(sensor.targets) != 1 else f"`{sensor.targets[0].job_name}`"
        lines.append(f"| `{sensor.name}` | {every} | {started} | {sensor.description} |")
    yield "\n".join([*lines, ""])
    lines = ["## Jobs", "", "| job | what it does |", "|---|---|"]
    for job in sorted(repository.get_all_jobs(), key=lambda one: one.name):
        if not job.name.startswith("__"):
            lines.append(f"| `{job.name}` | {job.description} |")
    yield "\n".join([*lines, ""])
    lines = ["## Retention", "", "| operation | of | days | what it removes |", "|---|---|---|---|"]
    for source in own_sources():
        for kept in source.retention:
            days = "forever" if kept.days is None else str(kept.days)
            lines.append(f"| `{kept.name}` | `{source.name}` | {days} | {kept.about} |")
    yield "\n".join([*lines, ""])
