"""Car parks: free spaces and prices, from files in an inbox."""

from decimal import Decimal

from pydantic import AwareDatetime, BaseModel

from pipelines import source as isobar


class Occupancy(BaseModel):
    """Free spaces of car parks, one row per car park and time."""

    lot_id: isobar.Name = isobar.Field(description="Code of the car park.")
    measured_at: AwareDatetime = isobar.Field(description="Time of the count.")
    free_spaces: int = isobar.Field(ge=0, description="Number of free spaces.")
    price_eur_per_hour: Decimal = isobar.Field(ge=0, description="Price of an hour, EUR.")


class Settings(isobar.SourceSettings, env_prefix="PARKING_"):
    """Where the files are."""

    inbox: isobar.Folder = isobar.folder("Folder for files of car parks. Unset in live mode: off.")


source = isobar.Source(
    name="parking",
    package=__name__,
    about="Free spaces and prices of car parks.",
    settings=Settings,
    feeds=(
        isobar.Feed(
            fetch=isobar.FileInbox(),
            parse=isobar.Rows(Occupancy, table="parking.occupancy", key=("lot_id", "measured_at")),
        ),
    ),
    sample="sample.csv",
)
