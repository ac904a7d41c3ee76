"""What keeps the platform running gives to Dagster: its jobs and sensors."""

import dagster as dg

from pipelines.operations.housekeeping import housekeeping, killed_runs
from pipelines.operations.watch import alerts

definitions = dg.Definitions(jobs=[housekeeping], sensors=[alerts, killed_runs])
