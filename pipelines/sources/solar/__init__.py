"""Solar plants: the registry, the readings of the monitoring service, and which days are complete.

`registry` keeps the plants. `sync` loads what is missing: `windows` finds the missing days,
`client` requests them, `transform` reads an answer, `load` writes it with its bookkeeping;
`plant_health` and `sensor_rules` judge the plants. `jobs` and `cli` are for people. Energy is taken
as kWh and irradiation as Wh/m² in the hour: the service names no units.
"""

from pipelines.source import (
    Check,
    Field,
    Input,
    Ledger,
    Retry,
    SandboxOption,
    Schedule,
    Source,
    SourceSettings,
    View,
    deferred,
    url,
)

MAX_YEARS = 100


class Settings(SourceSettings):
    """Where the monitoring service is, and how much history a sync adds."""

    monitoring_url: str | None = url(
        "The monitoring service of solar plants, requested as"
        " ?plant-id=1&from=2026-01-01&to=2026-01-02. Unset: a simulated one when ISOBAR_SOURCES is"
        " sandbox; off when it is live.",
        sandbox="/solar",
        example="http://monitoring-api:5000/",
    )
    sync_every_run: int = Field(
        default=1,
        ge=0,
        le=MAX_YEARS,
        description="How many years of history each sync adds, from 0 to 100.",
    )
    sync_until_year: int = Field(
        default=10,
        ge=0,
        le=MAX_YEARS,
        description="How many years of history there are to be, from 0 to 100.",
    )


SERVICE = Input(
    name="solar_monitoring",
    about="The monitoring service of solar plants: what each should have yielded and did, hour by"
    " hour.",
    kind="json",
    setting="MONITORING_URL",
)

source = Source(
    name="solar",
    package=__name__,
    about="Solar plants: what was expected and observed, hour by hour.",
    settings=Settings,
    job="Sync plants, all or the chosen ones: yesterday first, then more of their history, then"
    " what is missing.",
    schedules=(
        Schedule(
            name="solar_sync",
            about="Sync all solar plants. It replaces the Celery task that did so daily.",
            cron="15 0 * * *",
        ),
    ),
    inputs=(SERVICE,),
    retry=Retry(job="solar", config={"solar_readings": {"retry_quarantine": True}}),
    ledgers=(Ledger(on="solar.readings"),),
    checks=(
        Check(
            name="no_gaps",
            on="solar.readings",
            expects="No day that was requested is missing in whole or in part. Those that are, are"
            " requested again of themselves.",
            remedy="days that were requested are failed or partial; the row shows when they are"
            " requested again. Sooner: `backfill_solar_days`",
        ),
        Check(
            name="recent_corrections",
            on="solar.readings",
            expects="The service did not change its readings within a day. The former ones are in"
            " solar.corrections.",
            remedy="the service changed its word about hours within a day. See `solar.corrections`;"
            " nothing, if that is meant",
        ),
        Check(
            name="solar_sums_equal",
            on="metrics.solar_daily",
            expects="The days of each plant and month have the hours of their readings, and the"
            " same sums to 1e-9: those that were requested within two days, ten thousand at most.",
            remedy="days of plants have other sums than their readings: someone changed either by"
            " hand. Launch `backfill_solar_days` for those days",
        ),
        Check(
            name="no_suspicious_sensor",
            on="metrics.solar_plant_health",
            expects="Nothing speaks against the sensors of any plant: no production at night, no"
            " flat lines, no more irradiation than there can be.",
            remedy="a sensor sends impossible values, or stands still; the row names the rule. Have"
            " the plant's sensor looked at",
        ),
    ),
    views=(View(name="solar.coverage"),),
    sandbox_options=(
        SandboxOption(name="error_rate", help="Share of invalid hours of solar plants.", default=0),
    ),
    seed_sandbox=deferred("pipelines.sources.solar.demo:seed_sandbox"),
)
