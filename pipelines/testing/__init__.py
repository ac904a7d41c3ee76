"""The contract kit: the tests that every source has to pass, for the author of a plug-in.

`contract(source)` is a class with a test for each promise (docs/parts-of-a-source.md, Tests). Each
runs what loads in the source's own job on a fresh PostgreSQL database, or all of it if it sets
`driver.is_complete`. A class that inherits from it may have tests of its own:

    class TestContract(contract(source)):
        def test_an_odd_level_is_stored(self, driver):
            assert driver.deliver([driver.record(1) | {"level_cm": -1}]) == (1, 1, 0, 0)

pytest finds fixtures for other tests by an entry point: `isobar_start` starts one of
`drivers_of(source)` on a fresh database, whose `site` has connections to it and a folder for files,
and `isobar_service` is an HTTP server that answers as the test says.

The names in `__all__` are public, as those of `pipelines.source` are; everything else may change.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.testing.declared import contract, drivers_of
    from pipelines.testing.drivers import Driver, Files, LoadFailed, Site
    from pipelines.testing.fake_source import FakeSource, body, cut, document

__all__ = ["Driver", "FakeSource", "Files", "LoadFailed", "Site"]
__all__ += ["body", "contract", "cut", "document", "drivers_of"]

# Imported on first use: pytest loads this package in every run.
_MODULES = ("declared", "drivers", "fake_source")


def __getattr__(name: str) -> Any:
    for module in _MODULES if name in __all__ else ():
        found = importlib.import_module(f"pipelines.testing.{module}")
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
