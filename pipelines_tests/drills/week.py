"""Days of the platform in minutes: Dagster's own daemons on a clock that is moved.

They are driven round by round, each by its own loop; between rounds the clock jumps to what comes
next. Runs are threads of this process. It knows nothing of domains: all schedules and sensors of
`pipelines.definitions` are driven, whatever they are.
"""

import datetime as dt
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import dagster as dg
import yaml  # type: ignore[import-untyped]
from dagster._core.execution.api import execute_run
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.controller import create_daemons_from_instance
from dagster._daemon.daemon import DaemonIterator, DagsterDaemon
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster._utils.hosted_user_process import recon_job_from_origin
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy import make_url

from pipelines.config import PROJECT
from pipelines_tests.drills.moved_clock import Clock

#: Runs that sleep as long wait for the clock; shorter waits are not waited for.
LONG_SECONDS = 30.0
REAL_SECONDS = 0.01
STUCK_SECONDS = 120.0
AFTER_A_RUN = dt.timedelta(seconds=65)
#: What is other than in dagster.yaml, so that a round is over when it says so.
OF_THIS_PROCESS = {
    "run_launcher": {"module": __name__, "class": "ThreadLauncher"},
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
    "schedules": {"use_threads": False},
    "sensors": {"use_threads": False},
}


class Runs:
    """The threads of runs, and which of them wait for the clock."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._awake: set[threading.Thread] = set()
        self._asleep: dict[threading.Thread, float] = {}
        self._sleep = time.sleep
        self.begun = 0

    def begin(self, work: Callable[[], object]) -> None:
        def do() -> None:
            try:
                work()
            finally:
                with self._changed:
                    self._awake.discard(threading.current_thread())
                    self._changed.notify_all()

        thread = threading.Thread(target=do, daemon=True)
        with self._changed:
            self.begun += 1
            self._awake.add(thread)
        thread.start()

    def sleep(self, seconds: float) -> None:
        """In place of `time.sleep`: a run that is patient waits until the clock has moved."""
        thread = threading.current_thread()
        if seconds < LONG_SECONDS or thread not in self._awake:
            self._sleep(min(seconds, REAL_SECONDS))
            return
        with self._changed:
            self._awake.discard(thread)
            self._asleep[thread] = time.time() + seconds
            self._changed.notify_all()
            self._changed.wait_for(lambda: thread in self._awake)

    def wait(self) -> None:
        """Until all runs are done, or asleep."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._awake, STUCK_SECONDS), "a run hangs"

    def wake(self) -> int:
        """Go on with runs whose time has come; how many they are."""
        with self._changed:
            due = [one for one, until in self._asleep.items() if until <= time.time()]
            for thread in due:
                del self._asleep[thread]
                self._awake.add(thread)
            self._changed.notify_all()
        return len(due)

    @property
    def next_at(self) -> dt.datetime | None:
        """Return when the next run wakes up."""
        first = min(self._asleep.values(), default=None)
        return None if first is None else dt.datetime.fromtimestamp(first, dt.UTC)


RUNS = Runs()


class ThreadLauncher(RunLauncher, ConfigurableClass):
    """Launches runs as threads of this process."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        assert context.job_code_origin is not None
        job = recon_job_from_origin(context.job_code_origin)
        RUNS.begin(lambda: execute_run(job, context.dagster_run, self._instance))

    def terminate(self, run_id: str) -> bool:
        return False


class Pause:
    """What a daemon waits by between its iterations; it notes that it did."""

    def __init__(self) -> None:
        self.is_reached = False

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        self.is_reached = True
        return False


class Loop:
    """One of Dagster's daemons in its own loop."""

    def __init__(self, daemon: DagsterDaemon[Any], workspace: WorkspaceProcessContext) -> None:
        self.name = daemon.daemon_type()
        self._pause = Pause()
        stand_in: Any = self._pause
        self._steps: DaemonIterator = daemon.core_loop(workspace, stand_in)

    def iterate(self) -> list[str]:
        """Go on until it waits; return the errors that it reports."""
        self._pause.is_reached = False
        problems = []
        while not self._pause.is_reached:
            step = next(self._steps)
            if isinstance(step, SerializableErrorInfo):
                problems.append(f"{self.name}: {step.to_string()}")
        return problems


class Platform:
    """The daemons of an instance, and what happens around them."""

    def __init__(self, instance: dg.DagsterInstance, clock: Clock, loops: list[Loop]) -> None:
        self.instance, self.clock, self._loops = instance, clock, loops
        self.errors: list[str] = []
        self._happenings: list[tuple[dt.datetime, int, Callable[[], object]]] = []
        self._number = itertools.count()
        self.rounds = 0

    def plan(self, at: dt.datetime, happening: Callable[[], object]) -> None:
        """Have something happen at a moment."""
        heapq.heappush(self._happenings, (at, next(self._number), happening))

    def live(self, until: dt.datetime, step: dt.timedelta) -> None:
        """Go on until a moment: in steps, sooner when something happens or was begun."""
        while (now := self.clock.now) < until:
            while self._happenings and self._happenings[0][0] <= now:
                heapq.heappop(self._happenings)[2]()
            begun = RUNS.begun
            RUNS.wake()
            self._round()
            quiet = now + step - (now - dt.datetime.min.replace(tzinfo=dt.UTC)) % step
            moments = [until, quiet, RUNS.next_at]
            if self._happenings:
                moments.append(self._happenings[0][0])
            if RUNS.begun > begun:
                moments.append(self.clock.now + AFTER_A_RUN)
            self.clock.move_to(min(moment for moment in moments if moment is not None))

    def _round(self) -> None:
        self.rounds += 1
        for loop in self._loops:
            self.errors += loop.iterate()
        RUNS.wait()


@contextmanager
def platform(home: Path, storage_url: str, clock: Clock) -> Iterator[Platform]:
    """An instance as of dagster.yaml in a folder of its own, and its daemons."""
    settings = yaml.safe_load((PROJECT / "dagster.yaml").read_text()) | OF_THIS_PROCESS
    url = make_url(storage_url).set(drivername="postgresql+psycopg2")
    del settings["compute_logs"]  # it is in a variable of those who prepare an instance
    settings["storage"] = {"postgres": {"postgres_url": url.render_as_string(hide_password=False)}}
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    origin = InProcessCodeLocationOrigin(
        LoadableTargetOrigin(module_name="pipelines.definitions", working_directory=str(PROJECT)),
        location_name="pipelines",
    )
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as workspace,
    ):
        # Each run sets up logging for all of its process; of two at once both would wait for ever.
        setattr(instance, "get_yaml_python_handlers", list)  # noqa: B010
        loops = [Loop(daemon, workspace) for daemon in create_daemons_from_instance(instance)]
        # Each look of a sensor would open another one.
        with patch.object(dg.DagsterInstance, "from_ref", lambda _: nullcontext(instance)):
            yield Platform(instance, clock, loops)
