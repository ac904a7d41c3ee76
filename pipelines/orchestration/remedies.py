"""What it means that a check is not green, and what to do: on its page, in alerts and in status.

docs/operations.md says the same.
"""

REMEDIES = {
    "nothing_lost": (
        "a delivery's counts do not add up, or rejects are gone from quarantine: someone has "
        "changed `ops` by hand. Compare with the archive in `flights.snapshots`, or with the "
        "files; restore what was changed"
    ),
    "shape_as_promised": (
        "the source sent keys that are unknown, or left some out: see whether the domain's "
        "`transform.py` should read them"
    ),
    "nothing_refused": (
        "records are in quarantine (of flights: of the last document); the others landed. See "
        "the reasons: mend the source, or the code, then `isobar quarantine retry`"
    ),
    "not_silent": (
        "something new came on half of the days of four weeks, and nothing for three whole days, "
        "though runs are green. Ask the source; nothing, if that is meant"
    ),
    "readable_files": (
        "files of an inbox were refused as a whole, and the run that did so failed. Mend the "
        "file as the row says, or take it away"
    ),
    "believed_days": (
        "an archived day was refused as mostly bad: the row says why. After mending the code "
        "launch `flights_rebuild`; what the source got wrong stays out"
    ),
    "steady_row_count": (
        "the last snapshot offers less than half or more than twice as many itineraries: ask "
        "the source; if it is so, nothing"
    ),
    "dangling_legs": (
        "itineraries name a leg that is not in the document, or was refused; they are in "
        "quarantine. Ask the source"
    ),
    "known_airports": (
        "an airport is not in `flights.airports`: its times have no zone. A newer "
        "`airportsdata` may have it"
    ),
    "possible_times": (
        "elapsed time contradicts the stated duration, or falls where clocks change: the "
        "source's error, the row is kept. Nothing, or ask the source"
    ),
    "round_trips": "an itinerary ends in another city than it began in: nothing, if that is meant",
    "steady_prices": (
        "a price doubled or halved since the snapshot before: look at it, then nothing"
    ),
    "readable_api": (
        "the events API was not read to its end, and the run failed; the row says why. It is "
        "asked again from there after five minutes"
    ),
    "no_conflicts": (
        "events came again with other content; the rows show both. Ask the hotel system which "
        "is right"
    ),
    "no_silent_hotel": (
        "a hotel that had events on half of the days of four weeks has none for three days. "
        "Ask the hotel"
    ),
    "booked_before_cancelled": (
        "a cancellation without a booking; kept and counted as it came. An event is missing: "
        "ask the hotel system"
    ),
    "booked_once": (
        "a night was booked twice; kept and counted as it came. A cancellation is missing: "
        "ask the hotel system"
    ),
    "before_the_night": (
        "an event of a day after its night; kept and counted as it came. See "
        "`BOOKINGS_TIME_ZONE`, or ask the hotel system"
    ),
    "as_counted_anew": (
        "counts differ from the events: someone changed either by hand. Launch "
        "`count_hotel_bookings` with `rebuild: true`. Grey when events came since"
    ),
    "equal_sums": "the two axes of counts differ: the same",
    "known_statuses": (
        "a status is none of the known words; it is kept as sent. Correct the file, or teach "
        "`transform.py` the word"
    ),
    "readable_addresses": (
        "an address has no known country, no place, or a number that is no postcode of the "
        "country; it is kept as sent, without weather. Send it again corrected"
    ),
    "synced_whole": (
        "the last sync of a plant was not whole, and the run failed; the row says why. It is "
        "asked again of itself: see whether the service is up and `MONITORING_URL` right"
    ),
    "no_gaps": (
        "days that were asked for are failed or partial; the row says when they are asked for "
        "again. Sooner: `ask_for_solar_days`"
    ),
    "corrected_lately": (
        "the service changed its word about hours within a day. See `solar.corrections`; "
        "nothing, if that is meant"
    ),
    "solar_sums_equal": (
        "days of plants have other sums than their readings: someone changed either by hand. "
        "Launch `ask_for_solar_days` for those days"
    ),
    "no_suspicious_sensor": (
        "a sensor tells what cannot be, or stands still; the row says which rule. Have the "
        "plant's sensor looked at"
    ),
    "located_places": "a place in use has no coordinates: correct it by `weather.correct_place`",
    "fresh_weather": (
        "a place's weather is missing or older than 2 h 5 min; the row says why. See "
        "`weather.pauses` and the last `weather.calls`"
    ),
    "filled_hours": (
        "an hour at which a leg departs or arrives, or a plant was read, has no weather yet; "
        "the row says why. It is asked for again of itself"
    ),
    "frugal_calls": (
        "a place was asked for with success twice within two hours: a fault of Isobar, report it"
    ),
}
WHAT_TO_DO = "When it is not green: "


def with_remedy(check: str, promise: str) -> str:
    """What a check promises, and below it what to do where it found something."""
    remedy = REMEDIES.get(check)
    return f"{promise}\n\n{WHAT_TO_DO}{remedy}" if remedy else promise


def promise_and_remedy(description: str) -> tuple[str, str | None]:
    """The two parts of what `with_remedy` gives."""
    promise, _, remedy = description.partition(f"\n\n{WHAT_TO_DO}")
    return promise, remedy or None
