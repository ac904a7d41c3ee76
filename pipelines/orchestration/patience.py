"""Long polling: how long a sensor tick polls before it reports that there is nothing to do.

Each tick costs the daemon, the code server and a row in Dagster's storage, whatever it finds. In
our code server (`pipelines.runtime.code_server`), a tick therefore polls for a minute or two and
ends as soon as it finds something. Elsewhere it polls once. In our code server alone, a sensor that
hangs is not evaluated again until it ends.
"""

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import dagster as dg

from pipelines.failures import TransientFailure
from pipelines.orchestration.format_duration import span_in_words

#: An evaluation that takes longer hangs. Less than `TICK_SECONDS` of `pipelines.runtime.bootstrap`,
#: after which the daemon gives up, so that the next tick already finds the one that hangs.
HANGS_SECONDS = 290.0
#: How long ticks of this process poll; 0 means once, the default outside our code server.
_polling_seconds = 0.0
#: Limits how many ticks poll at the same time, as each occupies a server thread; others poll once.
_PLACES = threading.BoundedSemaphore(20)
#: Set when this process has to stop.
stopping = threading.Event()


def enable_polling(seconds: float) -> None:
    """Let ticks of this process poll for this long, or until `stopping` is set."""
    global _polling_seconds
    _polling_seconds = seconds


def is_polling() -> bool:
    """Return whether ticks of this process poll more than once."""
    return _polling_seconds > 0


def repeat_every(
    seconds: float, function: Callable[..., dg.RunRequest | dg.SkipReason]
) -> Callable[..., dg.RunRequest | dg.SkipReason]:
    """Wrap a sensor's function so that a tick repeats it at an interval until it finds something.

    The first tick of a process and a tick after a failure call it once, so that success is reported
    early. So does a manual test in the UI, for which Dagster passes no previous tick.
    """
    is_sound = False

    @functools.wraps(function)
    def evaluate(
        context: dg.SensorEvaluationContext, **resources: Any
    ) -> dg.RunRequest | dg.SkipReason:
        nonlocal is_sound
        goes_on = is_sound and is_polling() and context.last_tick_completion_time is not None
        is_sound = False
        if goes_on and _PLACES.acquire(blocking=False):
            try:
                found = _poll(context, lambda: function(context, **resources), seconds)
            finally:
                _PLACES.release()
        else:
            found = function(context, **resources)
        is_sound = True
        return found

    return evaluate


def not_while_it_hangs(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the code server's evaluation of any sensor, whose name is the fourth argument.

    The daemon gives up on a tick in the end, but its thread in the code server goes on. A sensor
    that hangs would occupy one thread after the other, until none is evaluated any more. So while
    it hangs, further ticks fail without calling it.
    """
    under_way: dict[str, list[float]] = defaultdict(list)

    @functools.wraps(evaluate)
    def evaluate_if_free(*arguments: Any) -> Any:
        sensor, now = str(arguments[3]), time.monotonic()
        oldest = min(under_way[sensor], default=now)
        if now - oldest > HANGS_SECONDS:
            raise _hanging(sensor, now - oldest)
        under_way[sensor].append(now)
        try:
            return evaluate(*arguments)
        finally:
            under_way[sensor].remove(now)

    return evaluate_if_free


def _hanging(sensor: str, seconds: float) -> TransientFailure:
    return TransientFailure(
        sensor,
        f"an evaluation of this sensor has not ended for {span_in_words(seconds)}",
        place="the code server",
        remedy="Restart isobar ui, or the service `code`. If it hangs again, its source's code has"
        " a call without a time-out.",
    )


def _poll(
    context: dg.SensorEvaluationContext,
    poll_once: Callable[[], dg.RunRequest | dg.SkipReason],
    seconds: float,
) -> dg.RunRequest | dg.SkipReason:
    """Call the function repeatedly until it finds something or the time of the tick is over."""
    until = time.monotonic() + _polling_seconds
    found = poll_once()
    while isinstance(found, dg.SkipReason):
        if time.monotonic() + seconds > until or stopping.wait(seconds):
            return found
        found = poll_once()
        if not isinstance(found, dg.SkipReason) and _is_switched_off(context):
            return dg.SkipReason("It was switched off during its evaluation.")
    return found


def _is_switched_off(context: dg.SensorEvaluationContext) -> bool:
    """Return whether a person stopped the sensor; Dagster checks that only before a tick."""
    states = context.instance.all_instigator_state()
    return any(one.instigator_name == context.sensor_name and not one.is_running for one in states)
