"""Jobs as `isobar run` runs them, in forks of a process that has imported all of it already."""

import multiprocessing
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.context import ForkServerContext
from pathlib import Path

MAX_SECONDS = 400


def warm() -> ForkServerContext:
    """Return a context that forks from a process with one thread and all imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipelines_tests.drills.warmed"])
    return context


def _run(variables: Mapping[str, str], jobs: Sequence[str], log: Path, most: int | None) -> None:
    os.environ.update(variables)
    from pipelines.runtime.run_command import run_jobs

    if most is not None:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with log.open("w") as out, redirect_stdout(out), redirect_stderr(out):
        is_good = run_jobs({job: {} for job in jobs})
    sys.exit(0 if is_good else 1)


def run_at_once(
    variables: Mapping[str, str],
    jobs: Sequence[str],
    folder: Path,
    *,
    count: int = 1,
    most_bytes: int | None = None,
) -> list[tuple[bool, str]]:
    """Run the jobs in so many processes at once, each with so much memory; was it good, what it
    said."""
    context = warm()
    logs = [folder / f"{number}.log" for number in range(count)]
    runs = [context.Process(target=_run, args=(variables, jobs, log, most_bytes)) for log in logs]
    for run in runs:
        run.start()
    for run in runs:
        run.join(MAX_SECONDS)
        assert run.exitcode is not None, "it hangs"
    return [(run.exitcode == 0, log.read_text()) for run, log in zip(runs, logs, strict=True)]
