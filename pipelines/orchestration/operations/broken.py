"""Problems of sources that are broken in this process; it loads no Dagster."""

import datetime as dt

from pipelines.isolation import broken_sources
from pipelines.warehouse.last_look import Problem

MEND = (
    "Fix it, uninstall it, or name it in ISOBAR_DISABLE_SOURCES; then start again what is running,"
    " such as isobar ui. isobar sources lists all of them."
)


def of_broken_sources(now: dt.datetime) -> list[Problem]:
    """Return a problem for each broken source of this process."""
    return [
        Problem(f"status:source:{one.name}", "error", str(one), f"source {one.name}", now, "", MEND)
        for one in broken_sources()
    ]
