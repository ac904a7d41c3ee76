"""Dagster's code server, with runs forked from a process that has imported the definitions.

Dagster starts each run in a new Python process, which spends two seconds on imports before its
first step. Here a helper process (`multiprocessing`'s fork server) has done the imports, has no
threads and no database session, and is forked for each run. Everything else is Dagster's own: runs
are monitored, stopped and killed as before.
"""

import importlib
import multiprocessing
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Sequence
from multiprocessing import forkserver, resource_tracker, util
from typing import Any

# Private API: Dagster 1.13 starts runs with "spawn", and ticks as many as hang, and offers no
# setting for either.
from dagster._grpc import server

from pipelines.isolation import report_to_log
from pipelines.orchestration import patience
from pipelines.runtime.dagster_processes import END_POLLS, PRELOADED
from pipelines.runtime.processes import release_inherited_files, set_process_name

#: One thread per sensor, which mostly waits, plus some for other requests.
THREADS = 32
FORKING = multiprocessing.get_context("forkserver")


class _WarmServer(server.DagsterApiServer):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._mp_ctx = FORKING  # type: ignore[assignment]


def start_fork_server() -> None:
    """Start the fork server as a copy of this process, so that both share the imported modules.

    If it is killed, `multiprocessing` restarts it for the next run as a new Python process with its
    own imports.
    """
    FORKING.set_forkserver_preload(list(PRELOADED))
    resource_tracker.ensure_running()
    spawn = util.spawnv_passfds
    util.spawnv_passfds = _fork  # type: ignore[assignment]
    try:
        forkserver.ensure_running()
    finally:
        util.spawnv_passfds = spawn


def _fork(_: object, words: Sequence[str], passed: Sequence[int]) -> int:
    """Fork, and run in the copy the code that `python -c` would have run in a new process."""
    if (pid := os.fork()) == 0:
        try:
            release_inherited_files(passed)  # leaked ones keep it alive
            set_process_name("runs")
            exec(words[-1], {})  # noqa: S102 - the standard library's own words
        except Exception:  # noqa: BLE001 - printed as a new Python process would
            traceback.print_exc()
        finally:
            os._exit(0)
    return pid


if __name__ == "__main__":
    is_warm = "pipelines.definitions" in sys.modules  # imported before this process had its log
    for module in PRELOADED:
        importlib.import_module(module)
    if is_warm:
        report_to_log()
    start_fork_server()
    signal.signal(END_POLLS, lambda *_: patience.stopping.set())
    patience.enable_polling(float(sys.argv[1]))
    server.DagsterApiServer = _WarmServer  # type: ignore[misc]
    evaluate = server.get_external_sensor_execution  # type: ignore[attr-defined]
    server.get_external_sensor_execution = patience.not_while_it_hangs(evaluate)  # type: ignore[attr-defined]
    sys.argv = ["dagster", "api", "grpc", f"--max-workers={THREADS}", *sys.argv[2:]]
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)
