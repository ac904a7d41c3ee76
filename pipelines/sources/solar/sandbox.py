"""The simulated monitoring service at `/` and `/solar`: hourly values of any plant."""

import datetime as dt
from hashlib import sha256
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.source import Sandbox, SandboxParts

#: Long-term share of irradiation that clouds transmit, and performance of a good plant: the service
#: expects both.
CLIMATE, EXPECTED_PERFORMANCE = 0.765, 0.85
#: The plant that collects dust until it is washed, the interval in days, and the largest loss.
SOILED_PLANT, WASHED_EVERY_DAYS, SOILING = 3, 120, 0.35
#: The plant whose irradiation sensor is dead for three days in each interval of days.
DEAD_SENSOR_PLANT, DEAD_EVERY_DAYS = 2, 30
#: The plant whose logger once in an interval of days sends the energy of some hours in one.
LATE_PLANT, LATE_EVERY_DAYS, LATE_HOURS = 1, 45, range(9, 13)
HOURS = tuple(dt.timedelta(hours=hour) for hour in range(24))


class Plant(NamedTuple):
    """A plant; it has no readings before its commissioning."""

    id: int
    name: str
    latitude: float
    longitude: float
    #: Zone of the service's naive times.
    zone: str
    size_kwp: float
    performance_ratio: float
    commissioned_on: dt.date


class Reading(NamedTuple):
    """The hour from `at` on (UTC); irradiation is in Wh/m²."""

    at: dt.datetime
    expected_energy_kwh: float
    expected_irradiation_wh_per_m2: float
    observed_energy_kwh: float
    observed_irradiation_wh_per_m2: float


DEMO_PLANTS = (
    Plant(1, "Sierra Alta", 37.09, -2.36, "UTC", 1240.0, 0.84, dt.date(2008, 4, 1)),
    Plant(2, "Havel North", 52.6, 12.34, "UTC", 410.0, 0.88, dt.date(2012, 10, 1)),
    Plant(3, "Montado South", 38.57, -7.91, "UTC", 96.0, 0.77, dt.date(2021, 6, 15)),
)


def plant(plant_id: int) -> Plant:
    """Return the plant of any id: three in four are from before 2010, the others since 2018."""
    for known in DEMO_PLANTS:
        if known.id == plant_id:
            return known
    seed = sha256(f"plant {plant_id}".encode()).digest()
    north, east, size, days = (int.from_bytes(seed[n : n + 2], "big") for n in (0, 2, 4, 6))
    is_young = seed[8] % 4 == 0
    return Plant(
        plant_id,
        f"Plant {plant_id}",
        round(-50 + 110 * north / 65_535, 2),
        round(-180 + 360 * east / 65_535, 2),
        "UTC",
        float(50 + size % 4951),
        round(0.75 + 0.15 * seed[9] / 255, 3),
        dt.date(2018 if is_young else 2005, 1, 1) + dt.timedelta(days=days % 1826),
    )


def readings(seed: int, plant_id: int, first_day: dt.date, last_day: dt.date) -> list[Reading]:
    """Return the hours of the days from first to last (UTC, both included), 24 of each, in order.

    Days before the plant's commissioning have none. Energy is the product of irradiation, size and
    performance. Of the demonstration, one plant is soiled, one has a dead sensor, and one a
    logger that is late.
    """
    import numpy as np  # which takes longer to import than all else of the sandbox

    from pipelines.sandbox.sky import clear_year, clearness

    here = plant(plant_id)
    first_day = max(first_day, here.commissioned_on)
    if first_day > last_day:
        return []
    year = clear_year(here.latitude, here.longitude).tolist()
    days = np.arange(np.datetime64(first_day, "D"), np.datetime64(last_day, "D") + 1)
    hours = np.arange(days[0], days[-1] + 1, dtype="M8[h]")
    factors_of = clearness(here.latitude, here.longitude, hours).reshape(-1, 24).tolist()
    kwh = here.size_kwp / 1000
    ratio = here.performance_ratio
    made = []
    for day, factors in zip(days.tolist(), factors_of, strict=True):
        ordinal = day.toordinal()
        midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
        soiling = SOILING * (ordinal % WASHED_EVERY_DAYS) / WASHED_EVERY_DAYS
        washed = 1 - soiling if plant_id == SOILED_PLANT else 1.0
        is_dead = plant_id == DEAD_SENSOR_PLANT and ordinal % DEAD_EVERY_DAYS < 3
        own = sha256(f"{seed} plant {plant_id} {ordinal}".encode()).digest()
        for hour, irradiation in enumerate(year[day.timetuple().tm_yday - 1]):
            energy, factor = irradiation * kwh, factors[hour]
            performance = washed * ratio * (1 - 0.04 * own[hour] / 255)
            made.append(
                Reading(
                    midnight + HOURS[hour],
                    energy * CLIMATE * EXPECTED_PERFORMANCE,
                    irradiation * CLIMATE,
                    energy * factor * performance,
                    0.0 if is_dead else irradiation * factor,
                )
            )
        if plant_id == LATE_PLANT and ordinal % LATE_EVERY_DAYS == 0:
            late = [made[hour - len(HOURS)] for hour in LATE_HOURS]
            sent = [0.0] * (len(late) - 1) + [sum(reading.observed_energy_kwh for reading in late)]
            for hour, energy in zip(LATE_HOURS, sent, strict=True):
                place = hour - len(HOURS)
                made[place] = made[place]._replace(observed_energy_kwh=energy)
    return made


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the service; an hour is returned from its start on."""

    def get(request: Request) -> Response:
        query = request.query_params
        try:
            plant_id = int(query["plant-id"])
            first, end = (dt.date.fromisoformat(query[name]) for name in ("from", "to"))
        except (KeyError, ValueError) as error:
            return JSONResponse({"error": f"needs plant-id, from and to: {error}"}, 400)
        now = sandbox.now()
        hours = readings(sandbox.seed, plant_id, first, min(end, now.date()))
        return JSONResponse(
            [as_item(hour) for hour in hours if hour.at <= now and hour.at.date() < end]
        )

    return SandboxParts(routes=[Route(path, get) for path in ("/", "/solar", "/solar/")])


def as_item(hour: Reading) -> dict[str, Any]:
    """Return an hour as the service writes it."""
    _, expected_energy, expected_irradiation, observed_energy, observed_irradiation = hour
    return {
        "datetime": f"{hour.at:%Y-%m-%dT%H:%M:%S}",
        "expected": {"energy": expected_energy, "irradiation": expected_irradiation},
        "observed": {"energy": observed_energy, "irradiation": observed_irradiation},
    }
