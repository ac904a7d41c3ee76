"""Small pictures for asset pages: whatever they show, drawing them warns of nothing."""

import datetime as dt

import pytest

from pipelines.orchestration.pictures import as_markdown, days_on


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 14, 40, 400])
def test_so_many_days_have_labels_that_are_days(count: int) -> None:
    """matplotlib warned for three and four days, of which it had no interval."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2))
    axes = figure.subplots()
    days = [dt.date(2026, 11, 1) + dt.timedelta(n) for n in range(count)]
    axes.plot(days_on(axes, days), [1] * count)
    assert as_markdown(figure, "days").startswith("![days](data:image/png;base64,")
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert 1 <= len([one for one in labels if one]) <= 10
    assert not any(":" in one for one in labels), "a time of the day is none"
