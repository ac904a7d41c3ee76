"""Client of the monitoring service: the hourly values of a plant for some days, as one array.

It has no list of plants and needs no authentication. `from` is inclusive, `to` is exclusive.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.failures import PermanentFailure, redact
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.sources.solar.windows import Window

if TYPE_CHECKING:
    from pipelines.sources.solar import Settings


@dataclass(frozen=True)
class MonitoringClient:
    """Reads the service at `url`."""

    url: str
    http: HttpClient
    #: Whether times name the end of their hour.
    names_end: bool = False

    def request(self, plant_id: int, window: Window) -> JsonResponse:
        """Request the days of the window; the response's `document` is for `transform.parse`.

        Raises whatever `HttpClient` raises, and `PermanentFailure` for a response of another shape.
        """
        parameters = {
            "plant-id": str(plant_id),
            "from": window.first.isoformat(),
            "to": window.end.isoformat(),
        }
        response = self.http.get_json(self.url, parameters)
        if not isinstance(response.document, list):
            kind = type(response.document).__name__
            raise PermanentFailure(
                self.http.source,
                f"the response for plant {plant_id}, {window}, is not an array but {kind}",
                place=redact(self.url, self.http.secrets),
                remedy=f"Check the service, and whether {self.http.variable} is right.",
            )
        return response


def open_client(settings: Settings) -> MonitoringClient | None:
    """Return a client for the configured service; None if it is off.

    It makes seven attempts at even intervals. All its requests share a hundred retries.
    """
    if settings.monitoring_url is None:
        return None
    http = HttpClient(
        "solar",
        "MONITORING_URL",
        attempts=7,
        first_wait_seconds=2.0,
        growth=1.0,
        retries=deque([None] * 100, maxlen=100),
        max_bytes=16 * 1024 * 1024,  # a year is little more than one
    )
    names_end = settings.monitoring_hour == "end"
    return MonitoringClient(settings.monitoring_url, http, names_end)
