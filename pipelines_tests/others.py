"""Plug-ins that somebody has installed beside Isobar: the tests disable them."""

from importlib.metadata import entry_points

NAMES = frozenset(one.name for one in entry_points(group="isobar.sources"))


def others(*shown: str) -> str:
    """Return a value of ISOBAR_DISABLE_SOURCES: all that are installed, but those in `shown`.

    A test of an example, or of a page, has a plug-in that people may have installed as well.
    """
    return ",".join(sorted(NAMES - {*shown}))
