"""A small platform whose runs, checks and ticks go as a test says, and its receivers."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.execution.plan.objects import StepFailureData, UserFailureData
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy import text

from pipelines.failures import PermanentFailure
from pipelines.orchestration.asset_metadata import as_table
from pipelines.orchestration.checks import READABLE_FILES
from pipelines.orchestration.operations import alerts as alerts_module
from pipelines.orchestration.operations.alerts import alerts
from pipelines.orchestration.operations.problems import find_problems
from pipelines.orchestration.resources import WarehouseResource
from pipelines.testing.fake_source import Answer, body
from pipelines.warehouse.last_look import Problem

LEGS, PRICES = dg.AssetKey(["flights", "legs"]), dg.AssetKey(["flights", "prices"])
POSSIBLE = dg.AssetCheckKey(LEGS, "possible_times")
FILES = dg.AssetCheckKey(LEGS, READABLE_FILES)
REJECTED = PermanentFailure(
    "flights", "it answered 404", place="https://flights.example", remedy="Mend FLIGHTS_URL."
)
OURS = dg.Failure(description=str(REJECTED), allow_retries=False)


class World:
    """The assets flights.legs, which is checked, and flights.prices.

    The jobs are flights, of the first two, and audit.
    """

    def __init__(self, instance: dg.DagsterInstance, warehouse: str | None = None) -> None:
        self.instance = instance
        self.warehouse = WarehouseResource(url=warehouse)
        self.error: Exception | None = None
        self.definitions = self._definitions()
        self.repository = self.definitions.get_repository_def()

    def problems(self) -> list[Problem]:
        found = find_problems(self.instance, self.repository)
        return sorted(found, key=lambda one: (one.severity, one.since, one.key))

    def keys(self) -> list[str]:
        return [one.key for one in self.problems()]

    def execute(self, job: str, error: Exception | None = None, **options: Any) -> str:
        """Execute a job, which fails with the error, if any; the run's id."""
        self.error = error
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, raise_on_error=False, **options
        )
        assert result.success == (error is None)
        return result.run_id

    def run(self, job: str, error: dg.Failure | None = None, *keys: dg.AssetKey) -> str:
        """Note a run of a job, or of chosen assets, as one that was executed; the run's id."""
        definition = self.definitions.resolve_job_def(job)
        run = self.instance.create_run_for_job(
            definition, asset_selection=frozenset(keys) if keys else None
        )
        for key in keys or definition.asset_layer.selected_asset_keys:
            if error is None or key == PRICES:
                done = dg.AssetMaterialization(key)
                self.instance.report_runless_asset_event(done)
        kind, data = dg.DagsterEventType.RUN_SUCCESS, None
        if error is not None:
            described = UserFailureData("intentional-failure", error.description)  # type: ignore[no-untyped-call]
            why = StepFailureData(None, described)  # type: ignore[no-untyped-call]
            failed = dg.DagsterEvent("STEP_FAILURE", job, step_key="legs", event_specific_data=why)
            kind = dg.DagsterEventType.RUN_FAILURE
            data = JobFailureData(None, RunFailureReason.STEP_FAILURE, failed)
        end = dg.DagsterEvent(kind.value, job, event_specific_data=data)
        self.instance.report_dagster_event(end, run.run_id)
        return run.run_id

    def materialise(self, *keys: dg.AssetKey, error: dg.Failure | None = None) -> str:
        """Note a run of chosen assets, as the UI begins it; the run's id."""
        return self.run("__ASSET_JOB", error, *keys)

    def lose_a_run(self, job: str, *keys: dg.AssetKey, **tags: str) -> str:
        """Begin a run, of chosen assets or of all, whose process is killed; the run's id."""
        run = self.instance.create_run_for_job(
            self.definitions.resolve_job_def(job),
            tags=tags,
            asset_selection=frozenset(keys) if keys else None,
        )
        self.instance.report_run_failed(run, "The process of this run was killed.")
        return run.run_id

    def age_runs(self, seconds: float) -> None:
        """Have all runs that are over end so much earlier."""
        with self.instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
            older = text("UPDATE runs SET end_time = end_time - :seconds")
            connection.execute(older, {"seconds": seconds})

    def check(
        self,
        *,
        passed: bool,
        severity: str = "WARN",
        offending: int = 12,
        rows: Sequence[Mapping[str, Any]] = (),
        key: dg.AssetCheckKey = POSSIBLE,
    ) -> None:
        """Note a verdict of a check, and the rows that it shows."""
        shown = {"rows": as_table(rows)} if rows else {}
        self.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=LEGS,
                check_name=key.name,
                passed=passed,
                severity=dg.AssetCheckSeverity(severity),
                metadata={"offending": offending, **shown},
            )
        )

    def tick(
        self, name: str, error: BaseException | None = None, *, at: float, kind: str = "SENSOR"
    ) -> None:
        """Note a look as the daemon does: skipped, or failed with the error."""
        origin, instigator = _origin(name), InstigatorType(kind)
        self.switch(name, InstigatorStatus.DECLARED_IN_CODE, kind)
        cause = None
        if error is not None:
            kind_of = type(error)
            shown = f"{kind_of.__module__}.{kind_of.__name__}: {error}\n"
            cause = SerializableErrorInfo(shown, [], kind_of.__name__)
        if cause and not isinstance(error, dg.DagsterError):
            message = f"dagster.SensorExecutionError: Error of {name}"
            cause = SerializableErrorInfo(message, [], "SensorExecutionError", cause=cause)
        self.instance.create_tick(
            TickData(
                instigator_origin_id=origin.get_id(),
                instigator_name=name,
                instigator_type=instigator,
                status=TickStatus.FAILURE if error else TickStatus.SKIPPED,
                timestamp=at,
                selector_id=origin.get_selector().get_id(),
                error=cause,
                skip_reason=None if error else "Nothing new.",
            )
        )

    def switch(self, name: str, status: InstigatorStatus, kind: str = "SENSOR") -> None:
        """Note the state of a sensor or schedule as the daemon and the UI do."""
        is_sensor = kind == "SENSOR"
        data = SensorInstigatorData() if is_sensor else ScheduleInstigatorData("0 5 * * *")
        state = InstigatorState(_origin(name), InstigatorType(kind), status, data)
        known = self.instance.get_instigator_state(state.instigator_origin_id, state.selector_id)
        if known is None:
            self.instance.add_instigator_state(state)
        else:
            self.instance.update_instigator_state(state)

    def stop(self, name: str = "inbox") -> None:
        """Switch a sensor off: the quickest of all problems."""
        self.switch(name, InstigatorStatus.STOPPED)

    def resume(self, name: str = "inbox") -> None:
        """Switch it on again."""
        self.switch(name, InstigatorStatus.RUNNING)

    def look(self, cursor: str | None = None) -> tuple[str, str | None]:
        """Evaluate the real sensor in a live daemon; return its skip message and its new cursor."""
        now = alerts_module.utc_now().timestamp()  # type: ignore[attr-defined]
        for kind in self.instance.get_required_daemon_types():
            self.instance.add_daemon_heartbeat(DaemonHeartbeat(now, kind, "x", []))
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=cursor,
            repository_def=self.repository,
            sensor_name=alerts.name,
            resources={"warehouse": self.warehouse},
        )
        with context:
            seen = alerts.evaluate_tick(context)
        assert seen.run_requests == []
        assert seen.skip_message is not None
        return seen.skip_message, seen.cursor

    def _definitions(self) -> dg.Definitions:
        def fail_as_set() -> None:
            if self.error:
                raise self.error

        @dg.asset(key=PRICES)
        def prices() -> None:
            """Always goes well."""

        def good() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=True, metadata={"offending": 0})

        checks = [
            dg.asset_check(asset=LEGS, name=key.name, description="They are possible.")(good)
            for key in (POSSIBLE, FILES)
        ]
        audit_all = dg.op(fail_as_set)

        @dg.job
        def audit() -> None:
            audit_all()

        def sensor(name: str) -> dg.SensorDefinition:
            status = dg.DefaultSensorStatus
            return dg.SensorDefinition(
                name=name,
                job_name="audit",
                evaluation_fn=lambda _: dg.SkipReason("Nothing new."),
                default_status=status.STOPPED if name == "off" else status.RUNNING,
            )

        flights = dg.define_asset_job("flights", [LEGS, PRICES])
        return dg.Definitions(
            assets=[dg.asset(key=LEGS)(fail_as_set), prices],
            asset_checks=checks,
            jobs=[flights, audit],
            schedules=[
                dg.ScheduleDefinition(
                    name="daily",
                    job=audit,
                    cron_schedule="0 5 * * *",
                    default_status=dg.DefaultScheduleStatus.RUNNING,
                )
            ],
            sensors=[*map(sensor, ("inbox", "api", "a", "b", "c", "d", "e", "f", "off")), alerts],
            executor=dg.in_process_executor,
            resources={"warehouse": self.warehouse},
        )


class FakeReceiver:
    """A real HTTP server that apprise's json:// posts to; says yes by default."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.answer: Answer = body(b"ok")
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.messages.append(posted)
                fake.answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Ignore clients that hang up: some tests do so on purpose."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> "FakeReceiver":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.messages]

    @property
    def text(self) -> str:
        """The text of the only message."""
        (message,) = self.messages
        return str(message["message"])


def until(is_so: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait for something, and give it."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def _origin(name: str) -> RemoteInstigatorOrigin:
    location = RegisteredCodeLocationOrigin("pipelines")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
