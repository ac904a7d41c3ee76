"""Tide gauges: stations and their water levels, from one JSON document."""

from pydantic import AwareDatetime, BaseModel

from pipelines import source as isobar


class Reading(BaseModel):
    """Water levels, one row per station and time. A later document corrects an earlier one."""

    station_id: isobar.Name = isobar.Field(description="Station (tides.stations).")
    read_at: AwareDatetime = isobar.Field(description="Time of the reading.")
    level_cm: float = isobar.Field(
        ge=-1000,
        le=2000,
        description="Water level above chart datum, cm.",
        otherwise="is not a water level",
    )


class Station(BaseModel):
    """Tide gauges, one row each."""

    station_id: isobar.Name = isobar.Field(description="Code of the station.")
    name: isobar.Name = isobar.Field(description="Name of the station.")
    latitude: float = isobar.Field(ge=-90, le=90, description="Latitude, degrees north.")
    longitude: float = isobar.Field(ge=-180, le=180, description="Longitude, degrees east.")


class Settings(isobar.SourceSettings, env_prefix="TIDES_"):
    """Where the gauges are published."""

    url: str | None = isobar.url("Where the gauges are. Unset in live mode: off.", sandbox="/tides")


feed = isobar.Feed(
    fetch=isobar.HttpDocument(),
    parse=isobar.Json(
        isobar.Records(
            at="readings", model=Reading, table="tides.readings", key=("station_id", "read_at")
        ),
        isobar.Records(at="stations", model=Station, table="tides.stations", key="station_id"),
    ),
)
source = isobar.Source(
    name="tides",
    package=__name__,
    about="Water levels of tide gauges, every hour.",
    settings=Settings,
    feeds=(feed,),
    schedules=(isobar.Schedule(cron="5 * * * *"),),
    sample="sample.json",
    checks=(
        isobar.Check(
            name="tides_steady_levels",
            on="tides.readings",
            expects="No level moves by more than 300 cm within an hour.",
            remedy="a gauge jumps: have it looked at; the readings are kept",
        ),
    ),
)
