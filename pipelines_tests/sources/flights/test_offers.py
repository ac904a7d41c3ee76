"""What is said of an offer whose newest record is rejected, has departed, or is another offer."""

import datetime as dt
from typing import Any

import pytest

from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Flights,
    flights_document,
    itinerary,
    leg,
)

DAY = dt.timedelta(days=1)


def flown(number: int, days: int, route: str = "BUD-LTN", **changes: Any) -> dict[str, Any]:
    """A leg that departs so many days from now."""
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
    times = {"departure_time": f"{day}T15:35", "arrival_time": f"{day}T17:00"}
    origin, target = route.split("-")
    return leg(number, origin, target, **{**times, **changes})


THERE, BACK, OTHER = flown(1, 30), flown(2, 37, "LTN-BUD"), flown(9, 30)
OTHERS = [itinerary(8, [9]), itinerary(9, [9])]
OFFER = itinerary(1, [1, 2], price="£200")
STATE = """
SELECT price_amount::integer, route, leg_count, return_on IS NOT NULL, on_offer,
    last_accepted_at::date, (
        SELECT string_agg(leg_id, ' ' ORDER BY leg_number) FROM enriched.itinerary_legs
        WHERE itinerary_legs.itinerary_id = itineraries.itinerary_id
    ), longest_leg_minutes, withdrawn_on
FROM enriched.itineraries WHERE itinerary_id = 'it_1'
"""


@pytest.mark.parametrize("left", [[THERE], [BACK], []], ids=["outbound", "return", "neither"])
def test_an_offer_without_a_leg_keeps_both_and_is_not_on_offer(
    flights: Flights, left: list[dict[str, Any]]
) -> None:
    """It had one leg and half the minutes, at the full price, even when it was whole again."""
    whole = flights_document([OFFER, *OTHERS], [THERE, BACK, OTHER])
    flights.deliver(MONDAY, whole)
    expected = (200, "BUD-LTN, LTN-BUD", 2, True, True, MONDAY, "leg_1 leg_2", 145, None)
    assert flights.row(STATE) == expected
    (outcome,) = flights.deliver(TUESDAY, flights_document([OFFER, *OTHERS], [*left, OTHER]))
    assert outcome.rejected == 1
    assert flights.row(STATE) == (*expected[:4], False, *expected[5:])
    assert flights.rows("SELECT raw::json ->> 'id', reason_codes FROM ops.quarantine") == [
        ("it_1", ["leg_unknown"])
    ]
    current = "SELECT string_agg(leg_id, ' ' ORDER BY 1) FROM flights.legs"
    current += " WHERE seen_until_at IS NULL"
    assert flights.row(current) == ("leg_1 leg_2 leg_9",)
    flights.deliver(WEDNESDAY, whole)
    assert flights.row(STATE) == (*expected[:5], WEDNESDAY, *expected[6:])
    flights.deliver(WEDNESDAY + DAY, flights_document(OTHERS, [OTHER]))
    gone = (*expected[:4], False, WEDNESDAY, *expected[6:8], WEDNESDAY + DAY)
    assert flights.row(STATE) == gone
    assert flights.row(current) == ("leg_9",)


def test_a_leg_that_changed_with_a_rejected_record_changes_no_offer(flights: Flights) -> None:
    """The legs were those of the newest document, and the price that of an earlier one."""
    flights.deliver(MONDAY, flights_document([OFFER, *OTHERS], [THERE, BACK, OTHER]))
    state = flights.row(STATE)
    longer = {**THERE, "duration_mins": 205, "stops": 1, "arrival_airport": "LHR"}
    flights.deliver(
        TUESDAY,
        flights_document([{**OFFER, "price": "from £9"}, *OTHERS], [longer, BACK, OTHER]),
    )
    assert flights.row(STATE) == (*state[:4], False, *state[5:])
    flights.deliver(WEDNESDAY, flights_document([OFFER, *OTHERS], [longer, BACK, OTHER]))
    assert flights.row(STATE)[1:6] == ("BUD-LHR, LTN-BUD", 2, True, True, WEDNESDAY)


def test_what_has_departed_is_not_on_offer_though_the_document_has_it(flights: Flights) -> None:
    legs = [flown(1, -1), flown(2, 1), flown(3, -1, "QQQ-BUD"), flown(4, 1, "QQQ-BUD")]
    flights.deliver(MONDAY, flights_document([itinerary(n, [n]) for n in range(1, 5)], legs))
    query = (
        "SELECT itinerary_id, on_offer, withdrawn_at IS NULL FROM enriched.itineraries ORDER BY 1"
    )
    assert flights.rows(query) == [
        ("it_1", False, True),
        ("it_2", True, True),
        ("it_3", False, True),
        ("it_4", True, True),
    ]
