"""Long polling: how long a sensor tick polls before it reports that there is nothing to do.

Each tick costs the daemon, the code server and a row in Dagster's storage. While the file `polling`
is in DAGSTER_HOME, which `isobar ui` and `isobar serve code` write, a tick polls for the seconds in
it. Without the file it polls once: so `isobar ui` ends running ticks, for which the daemon waits.
"""

import functools
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg

#: How soon a tick sees that it has to end.
LOOK_SECONDS = 1.0


def polling_file(dagster_home: str | Path) -> Path:
    """Return the file that lets ticks poll."""
    return Path(dagster_home) / "polling"


def repeat_every(
    seconds: float, function: Callable[..., dg.RunRequest | dg.SkipReason]
) -> Callable[..., dg.RunRequest | dg.SkipReason]:
    """Wrap a sensor's function so that a tick repeats it at an interval until it finds something.

    The first tick of a process, one after a failure and a manual test in the UI, for which Dagster
    passes no previous tick, call it once.
    """
    is_sound = False

    @functools.wraps(function)
    def evaluate(
        context: dg.SensorEvaluationContext, **resources: Any
    ) -> dg.RunRequest | dg.SkipReason:
        nonlocal is_sound
        until = time.monotonic()
        with suppress(FileNotFoundError):
            if is_sound and context.last_tick_completion_time is not None:
                until += float(polling_file(context.instance.root_directory).read_text())
        is_sound = False
        found = function(context, **resources)
        while isinstance(found, dg.SkipReason) and time.monotonic() + seconds <= until:
            if not _rest(context.instance, seconds):
                break
            found = function(context, **resources)
        is_sound = True
        return found

    return evaluate


def _rest(instance: dg.DagsterInstance, seconds: float) -> bool:
    """Sleep; return False at once when ticks have to end."""
    until, file = time.monotonic() + seconds, polling_file(instance.root_directory)
    while file.exists():
        if (left := until - time.monotonic()) <= 0:
            return True
        time.sleep(min(left, LOOK_SECONDS))
    return False
