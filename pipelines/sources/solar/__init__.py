"""Solar plants: the registry, readings of the monitoring service, and which days are complete.

`registry` manages the plants. `sync` requests missing days: `windows` determines them, `transform`
parses a response, and `load` writes it. `plant_health` and `sensor_rules` evaluate the plants.
Energy is assumed to be in kWh and irradiation in Wh/m² per hour: the service names no units.
"""

from typing import Annotated, Literal

from pipelines.source import (
    Cap,
    Check,
    Feed,
    Field,
    Input,
    Ledger,
    ReasonCode,
    Retry,
    Schedule,
    Source,
    SourceSettings,
    View,
    deferred,
    url,
)

Years = Annotated[int, Field(ge=0, le=100)]


class Settings(SourceSettings):
    """Where the monitoring service is, and how much history a sync adds."""

    monitoring_url: str | None = url(
        "URL of the monitoring service of solar plants, requested as"
        " ?plant-id=1&from=2026-01-01&to=2026-01-02. Unset: a simulated one if ISOBAR_SOURCES is"
        " sandbox, off if it is live.",
        sandbox="/solar",
        example="http://monitoring-api:5000/",
    )
    monitoring_hour: Literal["begin", "end"] = Field(
        default="begin",
        description="Which end of its hour the datetime of the service names: begin or end.",
    )
    sync_every_run: Years = Field(
        default=1, description="Years of history that each sync adds, from 0 to 100."
    )
    sync_until_year: Years = Field(
        default=10,
        description="Years of history to sync in total, from 0 to 100; of simulated plants, 1.",
        json_schema_extra={"sandbox": 1},
    )


SERVICE = Input(
    name="solar_monitoring",
    about="The monitoring service of solar plants: expected and observed energy and irradiation by"
    " hour.",
    kind="json",
    setting="MONITORING_URL",
)

feed = Feed(
    name="solar",
    parse=deferred("pipelines.sources.solar.transform:parse"),
    stages={"stage_readings": "solar.readings"},
    load=("put_readings", "put_days", "put_losses"),
    cap=Cap(share=0.9, few=0),  # more, and the format must have changed
)

source = Source(
    name="solar",
    package=__name__,
    about="Solar plants: expected and observed energy and irradiation by hour.",
    settings=Settings,
    job="Sync all plants, or the selected ones: first yesterday, then older history, then missing"
    " days.",
    schedules=(Schedule(name="solar_sync", about="Sync all solar plants.", cron="15 0 * * *"),),
    inputs=(SERVICE,),
    feeds=(feed,),
    retry=Retry(job="solar", config={"solar_readings": {"retry_quarantine": True}}),
    ledgers=(Ledger(on="solar.readings"),),
    reason_codes=(
        ReasonCode(
            "datetime_skipped",
            "The hour does not exist: clocks were set forward in the plant's time zone.",
            "Check the time zone of the plant; else ask the service.",
        ),
        ReasonCode(
            "datetime_not_on_the_hour", "The reading is not of a full hour.", "Ask the service."
        ),
        ReasonCode(
            "datetime_in_the_future",
            "The hour had not begun when the response was received.",
            "Check the time zone of the plant; else ask the service.",
        ),
    ),
    checks=(
        Check(
            name="no_gaps",
            on="solar.readings",
            expects="No requested day is missing or incomplete. Such days are requested again"
            " automatically. Closed days are not reported.",
            remedy="requested days are missing or incomplete; the row shows when they are"
            " requested again. To request them now, launch `backfill_solar_days`. If only hours of"
            " the night are missing, enter the plant's coordinates: `isobar plants set-location`",
        ),
        Check(
            name="no_suspicious_sensor",
            on="metrics.solar_plant_health",
            expects="No sensor of a plant is implausible: no production at night, no constant"
            " values, no irradiation above the physical limit, no energy without irradiation."
            " Over a week, the hours are less than 45 minutes off against the sun.",
            remedy="a sensor sends impossible or constant values; the row names the rule. If there"
            " is production at night, first check the plant's time zone. Have the sensor inspected."
            " If hours are later or earlier than the sun, see `MONITORING_HOUR`, the plant's time"
            " zone and its coordinates",
        ),
        Check(
            name="no_impossible_energy",
            on="metrics.solar_day_losses",
            expects="No hour of the last 30 days with readings has energy that cannot be: far above"
            " what is expected around it, or above what the sun allows. Such hours are stored as"
            " sent.",
            remedy="`above_expected` may be the energy of several hours in one, `watt_hours` is"
            " probably sent in Wh instead of kWh, and with `above_sun` the irradiation sensor may"
            " be covered. Ask the service; when it corrects the hours, request them again with"
            " `isobar plants sync`",
        ),
        Check(
            name="no_soiling",
            on="metrics.solar_day_losses",
            expects="No plant has become slowly less productive under the same sun in the 28 days"
            " up to its last day with readings.",
            remedy="the plant is probably dirty: wash it, or wait for rain. A small part of it that"
            " failed may look alike: compare its inverters",
        ),
    ),
    views=(View(name="solar.coverage"), View(name="metrics.solar_losses", is_counted=False)),
    seed_sandbox=deferred("pipelines.sources.solar.demo:seed_sandbox"),
)
