"""How long a tick of a sensor looks before it reports that there is nothing.

Each tick costs the daemon, the code server and a row of Dagster's storage, whatever it finds. In
our code server (`pipelines.runtime.code_server`) a tick therefore goes on looking for a minute or
two, and ends as soon as there is something. Anywhere else it looks once.
"""

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import dagster as dg

#: So long a tick looks in this process: once, unless it is our code server.
_looks_for = 0.0
#: So many ticks go on looking at once, and the others look once: each takes a thread of the server.
_PLACES = threading.BoundedSemaphore(20)
#: Set when this process has to stop.
stopping = threading.Event()


def be_patient(seconds: float) -> None:
    """Let the ticks of this process go on looking for so long, or until `stopping` is set."""
    global _looks_for
    _looks_for = seconds


def is_patient() -> bool:
    """Whether ticks of this process go on looking."""
    return _looks_for > 0


def looking_every(
    seconds: float, function: Callable[..., dg.RunRequest | dg.SkipReason]
) -> Callable[..., dg.RunRequest | dg.SkipReason]:
    """A sensor's function that looks so often while there is nothing, as long as a tick may.

    The first tick of a process, and one after a failure, look once, so that it is soon known that
    all is well; so does a person's trial in the UI, for which Dagster passes no earlier tick.
    """
    is_sound = False

    @functools.wraps(function)
    def look(
        context: dg.SensorEvaluationContext, **resources: Any
    ) -> dg.RunRequest | dg.SkipReason:
        nonlocal is_sound
        goes_on = is_sound and is_patient() and context.last_tick_completion_time is not None
        is_sound = False
        if goes_on and _PLACES.acquire(blocking=False):
            try:
                found = _look_on(context, lambda: function(context, **resources), seconds)
            finally:
                _PLACES.release()
        else:
            found = function(context, **resources)
        is_sound = True
        return found

    return look


def _look_on(
    context: dg.SensorEvaluationContext,
    look: Callable[[], dg.RunRequest | dg.SkipReason],
    seconds: float,
) -> dg.RunRequest | dg.SkipReason:
    """Look every so many seconds until there is something, or the time of a tick is over."""
    until = time.monotonic() + _looks_for
    found = look()
    while isinstance(found, dg.SkipReason):
        if time.monotonic() + seconds > until or stopping.wait(seconds):
            return found
        found = look()
        if not isinstance(found, dg.SkipReason) and _is_switched_off(context):
            return dg.SkipReason("It was switched off during its evaluation.")
    return found


def _is_switched_off(context: dg.SensorEvaluationContext) -> bool:
    """Whether a person stopped the sensor, which Dagster checks only before a tick."""
    states = context.instance.all_instigator_state()
    return any(one.instigator_name == context.sensor_name and not one.is_running for one in states)
