"""Health checks of Dagster's processes. Those that run most often do not import Dagster."""

import time
from pathlib import Path

from pipelines.config import INSTANCE
from pipelines.failures import TransientFailure

ANSWER_SECONDS = 10
WORKER_BEAT_SECONDS = 60
SIGN_OF_LIFE_MINUTES = 5
SECONDS_A_DAY = 86_400


def check_code_server(port: int) -> None:
    """Check the code server of this machine over gRPC. Raises `TransientFailure`."""
    import grpc  # type: ignore[import-untyped]
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

    place = f"127.0.0.1:{port}"
    try:
        with grpc.insecure_channel(place) as channel:
            question = health_pb2.HealthCheckRequest(service="DagsterApi")
            answer = health_pb2_grpc.HealthStub(channel).Check(question, timeout=ANSWER_SECONDS)
    except grpc.RpcError as error:
        raise _unhealthy("the code server", place, error.details()) from error
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise _unhealthy("the code server", place, "it does not serve")


def check_web_server(port: int) -> None:
    """Check the web server of this machine over HTTP. Raises `TransientFailure`."""
    import requests

    place = f"http://127.0.0.1:{port}/server_info"
    try:
        requests.get(place, timeout=ANSWER_SECONDS).raise_for_status()
    except requests.RequestException as error:
        raise _unhealthy("the web server", place, type(error).__name__) from error


def check_daemon_heartbeat(storage_url: str) -> None:
    """Check that every part of the daemon sent a heartbeat recently, on whichever machine it runs.

    `storage_url` is the URL of Dagster's storage. Raises `Failure`.
    """
    from pipelines.orchestration.instance import instance_on
    from pipelines.runtime.bootstrap import translated_storage

    with translated_storage(), instance_on(storage_url, INSTANCE.parent) as instance:
        beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    ages = [age for beat in beats if (age := time.time() - beat) < SECONDS_A_DAY]
    minutes = max(ages, default=0.0) / 60
    if not ages or minutes > SIGN_OF_LIFE_MINUTES:
        problem = f"{len(ages)} parts, the oldest sign of life {minutes:.0f} minutes ago"
        raise _unhealthy("the daemon", "DAGSTER_POSTGRES_URL", problem)


def check_worker_heartbeat(beat: Path) -> None:
    """Check that this machine's worker touched its file recently. Raises `TransientFailure`."""
    try:
        seconds = time.time() - beat.stat().st_mtime
    except FileNotFoundError:
        raise _unhealthy("the worker", str(beat), "it has not begun") from None
    if seconds > WORKER_BEAT_SECONDS:
        raise _unhealthy(
            "the worker", str(beat), f"it or its broker has been down for {seconds:.0f} s"
        )


def _unhealthy(what: str, place: str, problem: str) -> TransientFailure:
    return TransientFailure(what, problem, place=place, remedy="See its log.")
