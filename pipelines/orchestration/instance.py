"""Dagster instances on another storage than the environment's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

# `from_config` accepts no overrides; a file with the URL would put a password on the disk.
from dagster._core.instance.ref import InstanceRef


@contextmanager
def instance_on(url: str, home: Path, config: Path | None = None) -> Iterator[dg.DagsterInstance]:
    """Open the instance of `home` on the storage at `url`, whose tables must exist.

    `config` is the folder of dagster.yaml, by default `home`.
    """
    storage = {"postgres": {"postgres_url": url, "should_autocreate_tables": False}}
    folder = str(config) if config else None
    ref = InstanceRef.from_dir(str(home), config_dir=folder, overrides={"storage": storage})
    with dg.DagsterInstance.from_ref(ref) as instance:
        yield instance
