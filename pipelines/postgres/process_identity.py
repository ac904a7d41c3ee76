"""Whether a process that was noted some time ago is still the same one, and alive."""

import psutil


def is_alive(process: psutil.Process) -> bool:
    """False for a zombie too: in a container nobody may collect the dead."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def identity(pid: int | None = None) -> str:
    """A note of a process, this one unless `pid` is given: its number and when it began."""
    process = psutil.Process(pid)
    return f"{process.pid} since {process.create_time():.0f}"


def find(noted: str) -> psutil.Process | None:
    """The process of a note, when it is alive and began within seconds of then.

    Clocks are set: the time of the beginning is computed from the clock, so that it may shift.
    """
    number, _, began = noted.partition(" since ")
    try:
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(began)) < 5
    except (ValueError, psutil.NoSuchProcess):
        return None
    return process if same and is_alive(process) else None
