"""The launcher that `dagster.yaml` names: runs of the code server or, with a broker, of workers."""

from typing import Any

import dagster as dg

from pipelines.config import Settings


class Launcher(dg.DefaultRunLauncher):
    """Dagster's launcher, which is replaced by that of workers where a broker is set."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Any:
        """Return the launcher of an instance."""
        broker = Settings.current().celery_broker_url
        if broker is None:
            return super().from_config_value(inst_data, config_value)
        from pipelines.runtime.celery_launcher import WorkersLauncher  # of the extra `workers`

        return WorkersLauncher(broker.get_secret_value(), inst_data)
