"""Health checks of Dagster's processes. They run often, so they do not import Dagster.

Heartbeats are read with SQL: `dagster-daemon liveness-check` takes twice the CPU time, and
containers run the check every few seconds.
"""

import time
from pathlib import Path

import psycopg

from pipelines.failures import TransientFailure
from pipelines.postgres.clients import connect

ANSWER_SECONDS = 10
WORKER_BEAT_SECONDS = 60
SIGN_OF_LIFE_MINUTES = 5
LAST_BEAT = """
SELECT max(timestamp)::text,
    extract(epoch FROM (now() AT TIME ZONE 'UTC') - max(timestamp))::double precision
FROM daemon_heartbeats
"""
LAST_SIGNS = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(timestamp AT TIME ZONE 'UTC')) / 60, 0)
FROM daemon_heartbeats
WHERE timestamp > now() AT TIME ZONE 'UTC' - interval '1 day'
"""


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
        with requests.Session() as session:
            session.trust_env = False
            session.get(place, timeout=ANSWER_SECONDS).raise_for_status()
    except requests.RequestException as error:
        raise _unhealthy("the web server", place, type(error).__name__) from error


def check_daemon_heartbeat(storage_url: str) -> None:
    """Check that every part of the daemon sent a heartbeat recently, on whichever machine it runs.

    `storage_url` is the URL of Dagster's storage. Raises `TransientFailure`.
    """
    try:
        with connect(storage_url) as connection:
            parts, minutes = connection.execute(LAST_SIGNS).fetchone() or (0, 0)
    except psycopg.Error as error:
        raise _unhealthy("Dagster's storage", "DAGSTER_POSTGRES_URL", str(error).strip()) from error
    if not parts or minutes > SIGN_OF_LIFE_MINUTES:
        problem = f"{parts} parts, the oldest sign of life {minutes:.0f} minutes ago"
        raise _unhealthy("the daemon", "DAGSTER_POSTGRES_URL", problem)


def last_heartbeat(connection: psycopg.Connection) -> tuple[str | None, float]:
    """Return the last heartbeat of any daemon in Dagster's storage, and its age in seconds."""
    if connection.execute("SELECT to_regclass('daemon_heartbeats')").fetchone() == (None,):
        return None, 0.0
    return connection.execute(LAST_BEAT).fetchone() or (None, 0.0)


def check_worker_heartbeat(beat: Path) -> None:
    """Check that this machine's worker touched its file recently. Raises `TransientFailure`."""
    try:
        seconds = time.time() - beat.stat().st_mtime
    except FileNotFoundError:
        raise _unhealthy("the worker", str(beat), "it has not begun") from None
    if seconds > WORKER_BEAT_SECONDS:
        raise _unhealthy(
            "the worker", str(beat), f"its broker is away for {seconds:.0f} s, or it is"
        )


def _unhealthy(what: str, place: str, problem: str) -> TransientFailure:
    return TransientFailure(what, problem, place=place, remedy="See its log.")
