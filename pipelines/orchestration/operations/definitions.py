"""What keeps the platform running gives to Dagster: its jobs and sensors."""

import dagster as dg

from pipelines.orchestration.operations.alert_sensor import alerts
from pipelines.orchestration.operations.housekeeping import housekeeping, orphaned_runs

definitions = dg.Definitions(jobs=[housekeeping], sensors=[alerts, orphaned_runs])
