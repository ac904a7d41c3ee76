"""What follows its sources of itself, and how fresh everything has to be: for all assets, here."""

import datetime as dt

import dagster as dg

from pipelines.config import sources_off
from pipelines.orchestration.asset_metadata import is_external
from pipelines.orchestration.schedule_config import about_sensor, every_seconds, longest_wait
from pipelines.sources.bookings.definitions import AUDIT, AUDIT_AGE

SOURCES = {
    "flights": "flights_daily",
    "bookings": "bookings_daily",
    "shipments": "shipments_daily",
    "solar": "solar_sync",
    "weather": "weather_rounds",
}
"""The schedule by which each source is looked at, at the latest."""
DERIVED = {"enriched", "metrics"}
"""Schemas of what is made of other assets. Each is brought up to date by its domain's job."""
GRACE = dt.timedelta(hours=2)
"""As long as a run may take at most (dagster.yaml), retries within."""
AUDITED = {"enriched.reservation_changes", "enriched.reservation_nights"}
"""Made by the audit of bookings alone: a look takes reading all events."""
FOLLOWED_OTHERWISE = {
    *AUDITED,
    "metrics.hotel_bookings_by_event_day",  # the sensor hotel_bookings_behind knows by the rows
    "metrics.hotel_bookings_by_stay_night",
}
TOLD_OF_PLACES = dg.AssetSelection.assets(dg.AssetKey(["weather", "places"]))
"""Brought up to date by every domain's job: what is new in it says nothing to the others."""
FOLLOWS = (
    dg.AutomationCondition.any_deps_updated().ignore(TOLD_OF_PLACES).since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("its sources have changed, and no run is at it")
"""Unlike `eager` it waits for no source that has nothing yet, as that may be off for ever."""

derived_follow = dg.AutomationConditionSensorDefinition(
    "derived_follow",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=every_seconds("derived_follow"),
    description=about_sensor(
        "derived_follow",
        "Refresh what is derived when a source changed outside of its domain's job: the weather,"
        " assets that were materialised by hand, a run that was killed half way.",
    ),
)


def automated(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The asset with its freshness policy, and the condition on which it is brought up to date.

    What is not ours has neither.
    """
    if is_external(spec.key):
        return spec
    name, source = ".".join(spec.key.path), spec.tags["domain"]
    is_derived = spec.key.path[0] in DERIVED or name == "solar.coverage"
    follows = is_derived and name not in FOLLOWED_OTHERWISE
    return spec.replace_attributes(
        freshness_policy=None if source in sources_off() else _freshness(name, source),
        automation_condition=FOLLOWS if follows else None,
    )


def _freshness(name: str, source: str) -> dg.FreshnessPolicy:
    """Late after the longest wait for a run, and half of what that may take, or all of it."""
    if source not in SOURCES:
        raise ValueError(f"{name} is of {source}, which has no schedule in SOURCES of {__file__}")
    wait = longest_wait(SOURCES[source])
    if name in AUDITED:
        wait = longest_wait(AUDIT.name) + AUDIT_AGE
    return dg.FreshnessPolicy.time_window(warn_window=wait + GRACE / 2, fail_window=wait + GRACE)
