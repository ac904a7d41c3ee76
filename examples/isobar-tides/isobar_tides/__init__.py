"""Tide gauges: stations and their water levels, from one JSON document."""

from isobar_tides.records import parse
from pipelines import source as isobar


class Settings(isobar.SourceSettings, env_prefix="TIDES_"):
    """Where the gauges are published."""

    url: str | None = isobar.url("Where the gauges are. Unset in live mode: off.", sandbox="/tides")


GAUGES = isobar.Input(name="tide_gauges", about="Water levels of tide gauges.", kind="json")

feed = isobar.Feed(
    name="tides",
    fetch=isobar.HttpDocument(input=GAUGES),
    parse=parse,
    write=isobar.Latest(),
    again=isobar.Refetch(),
)

source = isobar.Source(
    name="tides",
    package=__name__,
    about="Water levels of tide gauges, every hour.",
    settings=Settings,
    job="Load the water levels of all tide gauges, and refresh what is derived from them.",
    schedules=(isobar.Schedule(name="tides_hourly", about="Load water levels.", cron="5 * * * *"),),
    inputs=(GAUGES,),
    feeds=(feed,),
    loads=("tides.readings", "tides.stations"),
    ledgers=(isobar.Ledger(on="tides.readings", is_snapshot=True),),
    checks=(
        isobar.Check(
            name="tides_known_stations",
            on="tides.readings",
            expects="Every reading is of a known station.",
            remedy="a station is missing or was rejected: see the quarantine, or ask the service",
        ),
        isobar.Check(
            name="tides_steady_levels",
            on="tides.readings",
            expects="No level moves by more than 300 cm within an hour.",
            remedy="a gauge jumps: have it looked at; the readings are kept",
        ),
    ),
)
