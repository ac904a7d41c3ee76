"""What the source makes of a document; that it runs beside the others, Isobar's own tests show."""

import datetime as dt

from isobar_tides.records import parse
from isobar_tides.sandbox import document

from pipelines import source as isobar

NOON = dt.datetime(2026, 11, 21, 12, 30, tzinfo=dt.UTC)


def test_the_sandbox_is_deterministic_by_hour() -> None:
    assert document(1, NOON) == document(1, NOON.replace(minute=59)) != document(2, NOON)


def test_broken_readings_are_rejected_with_reasons_and_others_accepted() -> None:
    sent = document(1, NOON)
    sent["readings"][0]["station_id"] = None
    delivery = isobar.Delivery("tides", "tide_gauges", "", 0, NOON)
    content = isobar.Content(delivery=delivery, document=sent)
    (parsed,) = parse(content, isobar.Context(source="tides", settings=None))
    assert [len(rows) for rows in parsed.rows.values()] == [2, 97]
    reasons = [reject.words[0] for reject in parsed.rejects]
    assert reasons == ["station_id is not a name: null", 'level_cm is not a water level: "ice"']
