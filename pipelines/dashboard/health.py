"""Whether everything is all right: what the last look at the platform found (`ops.problems`)."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from pipelines.dashboard import page as ui
from pipelines.dashboard.source_page import title_of
from pipelines.source import by_seniority

QUESTIONS = ui.Questions("pipelines.dashboard")
NOBODY = (
    "Nobody has looked for problems yet: start isobar ui, whose sensor alerts looks each minute, or"
    " run isobar run."
)
RENEWED_SECONDS = 10  # after which what is wrong is drawn anew
#: Where the first clause of a remedy ends.
CLAUSE_END = re.compile(r"\. |; |: | \(")
Level = Literal["error", "warning", "unknown"]
ICONS = {
    "error": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "unknown": ":gray[:material/help:]",
}


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, or that nobody has looked at."""

    key: str
    level: Level
    #: What is wrong and where, in a line.
    words: str
    #: What to do about it.
    remedy: str = ""
    #: The path of its page in the Dagster UI.
    path: str = ""
    since: pd.Timestamp | None = None
    source: str | None = None
    #: The same for readers who do not know Dagster and the tables; by default, `words`.
    plain: str = ""
    #: The first rows that a failed check found.
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Health:
    """What is known: findings, worst first."""

    findings: list[Finding]
    #: When it was looked; None if nobody has.
    looked_at: pd.Timestamp | None


def health() -> Health:
    """Return what the last look found."""
    looks = QUESTIONS.ask("last_look").rows
    if looks.empty:
        return Health([Finding("unknown", "unknown", NOBODY)], None)
    rows = QUESTIONS.ask("problems").rows.astype(object)
    findings = [_finding(one) for one in rows.where(rows.notna(), None).to_dict("records")]
    return Health(findings, looks["looked_at"].iloc[0])


def _finding(problem: Mapping[Hashable, Any]) -> Finding:
    key, what, place = problem["key"], problem["what"], problem["place"]
    is_of_dagster = problem["page"] and not key.startswith("status:")
    return Finding(
        key,
        problem["severity"],
        f"{place}: {what}" if is_of_dagster else what,
        problem["remedy"],
        problem["page"],
        problem["began_at"],
        problem["source"],
        in_plain_words(key, what, problem["remedy"], problem["source"]),
        problem["found_rows"],
    )


def in_plain_words(key: str, what: str, remedy: str, source: str | None) -> str:
    """Return what is wrong for readers who do not know Dagster and the tables.

    The remedy of a check begins with what is wrong.
    """
    kind, _, place = key.partition(":")
    titles = (title_of(one) for one in by_seniority() if one.name == source)
    owner = next(titles, source or place.partition(":")[0])
    if kind == "check":
        count = re.match(r"Found (\d+)", what)
        clause = CLAUSE_END.split(remedy)[0].replace("`", "").rstrip(".")
        return f"{owner}: {f'{clause} ({count[1]})' if count else what}"
    if kind in ("run", "materialisation"):
        return f"{owner}: the last run failed. {what}"
    if kind == "stopped":
        return f"Automation is switched off: {place}"
    if kind in ("sensor", "schedule"):
        return f"Automation fails: {place}. {what}"
    return f"{owner}: {what}" if source else what
