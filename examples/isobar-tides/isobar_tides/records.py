"""The records of the document: what is valid, and the table of each list."""

from pydantic import AwareDatetime, BaseModel, Field

from pipelines import source as isobar


class _Station(BaseModel):
    station_id: isobar.Name
    name: isobar.Name
    latitude: float = Field(ge=-90, le=90, description="is not in degrees")
    longitude: float = Field(ge=-180, le=180, description="is not in degrees")


class _Reading(BaseModel):
    station_id: isobar.Name
    read_at: AwareDatetime = Field(description="is not a time")
    level_cm: float = Field(ge=-1000, le=2000, description="is not a water level")


parse = isobar.Json(
    isobar.Records(at="stations", model=_Station, table="tides.stations"),
    isobar.Records(at="readings", model=_Reading, table="tides.readings"),
)
