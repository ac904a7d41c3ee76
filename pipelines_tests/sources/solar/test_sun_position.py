"""The formulae of the sun's position, beside pvlib's."""

import numpy as np
import pandas as pd
import pytest
from pvlib.irradiance import get_extra_radiation
from pvlib.solarposition import get_solarposition

from pipelines.sources.solar.sun_position import (
    apparent_elevation_degrees,
    extraterrestrial_w_per_m2,
)

pytestmark = pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofyear is deprecated")
YEARS = [pd.date_range(f"{year}-01-01", f"{year}-12-31", freq="37min") for year in (1990, 2026)]


@pytest.mark.parametrize("times", [one.tz_localize("UTC") for one in YEARS], ids=["1990", "2026"])
@pytest.mark.parametrize(("latitude", "longitude"), [(52.6, 12.3), (-33, 151), (0, 0), (78, 15)])
def test_elevation_is_that_of_nrel_within_0_02_degrees(
    times: pd.DatetimeIndex, latitude: float, longitude: float
) -> None:
    expected = get_solarposition(times, latitude, longitude)
    found = apparent_elevation_degrees(times, latitude, longitude)
    # At sunset itself the refraction of 0.65° is switched on, some seconds earlier or later.
    is_sunset = np.abs(expected.elevation + 0.8333) < 0.02
    apart = np.abs(found - expected.apparent_elevation)[~is_sunset]
    assert is_sunset.mean() < 0.01
    assert apart.max() < 0.02


def test_irradiance_outside_the_atmosphere_is_that_of_pvlib() -> None:
    times = YEARS[1].tz_localize("UTC")
    expected = get_extra_radiation(times, method="spencer").to_numpy()
    np.testing.assert_allclose(extraterrestrial_w_per_m2(times), expected, rtol=1e-12)
