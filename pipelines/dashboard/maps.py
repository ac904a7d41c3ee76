"""Maps: layers of Altair over the outlines of countries, which nothing downloads."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from itertools import pairwise

import altair as alt
import pandas as pd

from pipelines.dashboard.theme import GREY, SKY

Ring = list[list[float]]


def world_map(points: pd.DataFrame, *layers: alt.Chart) -> alt.LayerChart | alt.FacetChart:
    """Draw layers over country outlines, around `points` (`latitude`, `longitude`)."""
    west, east = _around(points["longitude"])
    south, north = _around(points["latitude"])
    corners = [[west, south], [west, north], [east, north], [east, south]]
    shape = {"type": "MultiPoint", "coordinates": corners}
    fit = {"type": "Feature", "properties": {}, "geometry": shape}
    # Neighbours fill the rest of the map, whose shape is not that of the corners.
    width, height = max(20.0, east - west), max(20.0, north - south)
    seen = [
        {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": polygons}}
        for polygons in _countries()
        if any(
            west - width < x < east + width and south - height < y < north + height
            for (ring,) in polygons
            for x, y in ring
        )
    ]
    land = alt.Chart(alt.NamedData("countries")).mark_geoshape(
        fill=GREY, fillOpacity=0.18, stroke=GREY, strokeOpacity=0.5, strokeWidth=0.6, clip=True
    )
    sea = alt.Chart(alt.sphere()).mark_geoshape(fill=SKY, fillOpacity=0.07, clip=True)
    chart = alt.layer(sea, land, *layers).project("mercator", fit=fit)
    # Added last, because each step of Altair copies what a chart has.
    return chart.properties(height=460, datasets={"countries": seen})


def _around(degrees: pd.Series[float]) -> tuple[float, float]:
    """Return the range of coordinates with a margin for names, also around a single place."""
    if degrees.empty:  # show most of the world
        return -60.0, 60.0
    margin = max(1.0, 0.06 * (degrees.max() - degrees.min()))
    return degrees.min() - margin, degrees.max() + margin


@cache
def _countries() -> list[list[list[Ring]]]:
    """Return the polygons of each country (GeoJSON), of the package countryinfo."""
    countries = []
    for file in resources.files("countryinfo").joinpath("data").iterdir():
        if not file.name.endswith(".json"):
            continue
        shape = json.loads(file.read_text(encoding="utf-8")).get("geoJSON") or {}
        for geometry in (one["geometry"] for one in shape.get("features", [])):
            is_one = geometry["type"] == "Polygon"
            polygons = [geometry["coordinates"]] if is_one else geometry["coordinates"]
            countries.append([[_clockwise(polygon[0])] for polygon in polygons])
    return countries


def _clockwise(ring: Ring) -> Ring:
    """Return a ring as Vega fills it, inside, with coordinates rounded to a kilometre."""
    turned = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
    rounded = [[round(one, 2) for one in point] for point in ring]
    return rounded if turned > 0 else rounded[::-1]
