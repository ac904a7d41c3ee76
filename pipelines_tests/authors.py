"""Somebody who writes a source as a plug-in, and runs its job on a database."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

from pipelines.definitions import build_definitions
from pipelines.migrations.apply import migrate
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.drivers import failures
from pipelines_tests.plugins import installed


@dataclass
class Author:
    """Who writes the source `name`, whose package is in a folder."""

    name: str
    folder: Path
    server: Connections
    database: str
    is_installed: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        return self.server.url(SUPERUSER, self.database)

    def install(self) -> None:
        """Have this process find the package as it is at this moment."""
        self.is_installed.close()
        self.is_installed.enter_context(installed(self.folder))

    def run(self, config: dict[str, Any] | None = None, **addresses: Any) -> Any:
        """Migrate, and run the job of the source, which is at these addresses."""
        migrate(self.url)
        resources = {
            "warehouse": WarehouseResource(url=self.server.url(LOADER, self.database)),
            self.name: source_resource(self.name, **addresses),
        }
        job: dg.JobDefinition = build_definitions().resolve_job_def(self.name)
        run_config = {"ops": {f"load_{self.name}": {"config": config}}} if config else {}
        return job.execute_in_process(run_config, resources=resources, raise_on_error=False)

    def loaded(self, **addresses: Any) -> list[tuple[Any, ...]]:
        """Run the job, which succeeds; return the counts of all deliveries so far."""
        assert failures(self.run(**addresses)) == []
        return self.query(
            "SELECT read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
            f" WHERE problem IS NULL AND feed = '{self.name}' AND read_count > 0"
            " ORDER BY delivery_id"
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql.encode()).fetchall()
