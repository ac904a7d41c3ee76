"""The registry of plants in Dagster's launchpad: a job for each change, filled in by a person."""

import dagster as dg
from pydantic import Field

from pipelines.orchestration.asset_metadata import as_permanent_failure
from pipelines.orchestration.resources import WarehouseResource
from pipelines.sources.solar import registry


class Registration(dg.Config):
    """A plant to be registered."""

    name: str = Field(
        default="",
        description=f"Fill in: unique name of the plant, up to {registry.MAX_CHARACTERS}"
        " characters.",
    )
    latitude: float | None = Field(
        default=None, description="Degrees north. Without it, no weather is joined."
    )
    longitude: float | None = Field(default=None, description="Degrees east.")
    time_zone: str = Field(
        default="UTC",
        description="Time zone of the monitoring service's times, such as UTC or Europe/Madrid. It"
        " cannot be changed once the plant has readings.",
    )


class Choice(dg.Config):
    """A plant."""

    plant_id: int = Field(
        default=0, description="Fill in: number of the plant, as in solar.plants."
    )


class Renaming(Choice):
    """A plant and its new name."""

    name: str = Field(
        default="",
        description=f"Fill in: new name, up to {registry.MAX_CHARACTERS} characters.",
    )


@dg.op(description="Insert a plant into solar.plants.")
def register(
    context: dg.OpExecutionContext, config: Registration, warehouse: WarehouseResource
) -> None:
    """Register a plant; the run's page shows its number."""
    with as_permanent_failure(context), warehouse.open() as store:
        plant_id = registry.add(
            store, config.name, config.latitude, config.longitude, config.time_zone
        )
    context.log.info("Registered plant %d, %r.", plant_id, config.name)
    context.add_output_metadata({"plant_id": plant_id})


@dg.op(description="Change a plant's name in solar.plants.")
def rename(context: dg.OpExecutionContext, config: Renaming, warehouse: WarehouseResource) -> None:
    """Rename a plant."""
    with as_permanent_failure(context), warehouse.open() as store:
        registry.rename(store, config.plant_id, config.name)
    context.log.info("Renamed plant %d to %r.", config.plant_id, config.name)
    context.add_output_metadata({"plant_id": config.plant_id, "name": config.name})


@dg.op(description="Mark a plant in solar.plants as retired.")
def retire(context: dg.OpExecutionContext, config: Choice, warehouse: WarehouseResource) -> None:
    """Retire a plant."""
    with as_permanent_failure(context), warehouse.open() as store:
        retired_at = registry.retire(store, config.plant_id)
    context.log.info(
        "Plant %d is retired since %s; its data are kept.", config.plant_id, retired_at
    )
    context.add_output_metadata(
        {"plant_id": config.plant_id, "retired_at": retired_at.isoformat(timespec="seconds")}
    )


@dg.op(description="Delete a plant from solar.plants, with its data.")
def delete(context: dg.OpExecutionContext, config: Choice, warehouse: WarehouseResource) -> None:
    """Delete a plant."""
    with as_permanent_failure(context), warehouse.open() as store:
        readings = registry.delete(store, config.plant_id)
    context.log.info("Deleted plant %d and its %d readings.", config.plant_id, readings)
    context.add_output_metadata({"plant_id": config.plant_id, "readings": readings})


def _job(change: dg.OpDefinition, description: str) -> dg.JobDefinition:
    graph = dg.GraphDefinition(f"{change.name}_plant", node_defs=[change])
    return graph.to_job(description=description)


#: What `definitions` takes.
JOBS = [
    _job(register, "Register a plant. It is synced within a minute, yesterday first."),
    _job(rename, "Rename a plant."),
    _job(retire, "Stop syncing a plant, and keep its data."),
    _job(
        delete,
        "Delete a plant with its data: readings, corrections and the state of its days. Rejected"
        " while a sync of the plant is running.",
    ),
]
