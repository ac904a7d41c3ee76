"""Problems of sources that are broken in this process; it loads no Dagster."""

import datetime as dt

from pipelines.isolation import broken_sources
from pipelines.warehouse.last_look import Problem

MEND_SOURCE = (
    "Fix it, uninstall it, or name it in ISOBAR_DISABLE_SOURCES; then start again what is running,"
    " such as isobar ui. isobar sources lists all of them."
)


def of_broken_sources(now: dt.datetime) -> list[Problem]:
    """Return a problem for each broken source of this process."""
    return [
        Problem(
            key=f"status:source:{broken.name}",
            severity="error",
            what=str(broken),
            where=f"source {broken.name}",
            since=now,
            path="",
            remedy=MEND_SOURCE,
        )
        for broken in broken_sources()
    ]
