"""The map of the page of shipments: names of places beside their marks."""

import pandas as pd

from pipelines.sources.shipments.dashboard import MAX_NAMES, labelled

CITIES = {
    "Amsterdam": (52.37, 4.89),
    "Brussels": (50.85, 4.35),
    "London": (51.51, -0.13),
    "Munich": (48.14, 11.58),
    "Wien": (48.21, 16.37),
    "Stockholm": (59.33, 18.07),
    "Lisboa": (38.72, -9.14),
}


def places(cities: dict[str, tuple[float, float]]) -> pd.DataFrame:
    rows = [(name, *place, 9 - number) for number, (name, place) in enumerate(cities.items())]
    return pd.DataFrame(rows, columns=["name", "latitude", "longitude", "parcels"])


def test_names_stand_where_they_cover_no_other_mark() -> None:
    found = labelled(places(CITIES)).set_index("name")
    assert found["label"].tolist() == [*CITIES]
    assert found["align"]["London"] == "right"  # to the left of its mark
    assert found["align"]["Munich"] == "right"
    assert found["align"]["Lisboa"] == "left"


def test_a_name_for_which_there_is_no_room_is_left_out() -> None:
    crowd = {f"Town {number}": (50 + number / 1000, 10.0) for number in range(9)}
    found = labelled(places({**crowd, "Faraway": (60, 20)}))["label"].tolist()
    assert found.count("") >= 5
    assert found[-1] == "Faraway"


def test_no_more_places_are_named_than_can_be_read() -> None:
    many = {f"Town {number}": (number * 2.0, number * 3.0) for number in range(MAX_NAMES + 5)}
    assert (labelled(places(many))["label"] != "").sum() <= MAX_NAMES
    assert labelled(places({})).empty
    assert labelled(places({"Alone": (50, 10)}))["label"].tolist() == ["Alone"]
