"""The number of the weather on the overview: calls of today, and how many the quota allows.

There is no page of its own: what the weather means is on the pages of the sources that request it.
"""

from typing import Any

from pipelines.dashboard.page import Card, Page
from pipelines.sources.weather import Settings, source
from pipelines.sources.weather.clients import calls_per_day

NOWHERE = "http://127.0.0.1:9"


def quota() -> dict[str, Any]:
    """Return the parameters of the statement."""
    # Without the addresses: none is called, and those of the sandbox are known to runs alone.
    urls: dict[str, Any] = {
        name: NOWHERE for name in Settings.model_fields if name.endswith("_url")
    }
    return {"calls_per_day": calls_per_day(source.load_settings(**urls))}


pages: list[Page] = []
card = Card(
    "Calls to the weather service today",
    "card",
    parameters=quota,
    help="Their cost in the provider's quota, lookups of places included. The limit is that of the"
    " settings of this process.",
)
