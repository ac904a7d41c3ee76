"""What the source makes of a document; that it runs beside the others, Isobar's own tests show."""

import datetime as dt

from isobar_tides.load import read_document
from isobar_tides.sandbox import document

NOON = dt.datetime(2026, 11, 21, 12, 30, tzinfo=dt.UTC)


def test_the_sandbox_says_the_same_for_the_same_hour() -> None:
    assert document(1, NOON) == document(1, NOON.replace(minute=59)) != document(2, NOON)


def test_a_broken_reading_is_rejected_with_its_reason_and_the_others_are_good() -> None:
    stations, readings = read_document(document(1, NOON))
    assert (len(stations.good()), len(readings.good())) == (2, 98)
    (reject,) = readings.rejects()
    assert "level_cm is no level" in reject.reasons[0]
