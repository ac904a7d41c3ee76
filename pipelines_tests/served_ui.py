"""`isobar ui` in a test, queried as by its own pages."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from pipelines.postgres.ports import free_port
from pipelines_tests.command import begin

LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}
"""
RUN = """
query($id: ID!) { runOrError(runId: $id) { ... on Run { status jobName repositoryOrigin {
  repositoryLocationName } } } }
"""
EVENTS = """
query($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection(limit: 1000) { events {
  ... on MessageEvent { timestamp message }
  ... on ExecutionStepFailureEvent { error { message causes { message } } }
} } } } }
"""


def params(job: str) -> dict[str, Any]:
    return {
        "selector": {
            "repositoryLocationName": "pipelines",
            "repositoryName": "__repository__",
            "jobName": job,
        },
        "runConfigData": {},
    }


@dataclass
class Ui:
    """One that serves, what it said until then, and its process."""

    state: Path
    process: "subprocess.Popen[str]"
    said: list[str]

    @property
    def url(self) -> str:
        return self.said[-1].split(" is at ")[1].split()[0]

    def query(self, query: str, **variables: Any) -> Any:
        answer = requests.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=120
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def begin_run(self, job: str) -> str:
        """Launch a run; its id."""
        launched = self.query(LAUNCH, params=params(job))["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def wait_for_run(self, run_id: str) -> str:
        deadline = time.monotonic() + 600
        while True:
            status = str(self.query(RUN, id=run_id)["runOrError"]["status"])
            if status in ("SUCCESS", "FAILURE", "CANCELED"):
                return status
            assert time.monotonic() < deadline, f"still {status}: {self.events_of_run(run_id)}"
            time.sleep(0.3)

    def run(self, job: str) -> str:
        return self.wait_for_run(self.begin_run(job))

    def events_of_run(self, run_id: str) -> str:
        return json.dumps(self.query(EVENTS, id=run_id)["runOrError"], indent=1)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def having(self, word: str) -> list[psutil.Process]:
        return [child for child in self.children() if word in words_of(child)]

    def stop(self) -> str:
        """Stop it as a person does, with all of its processes; what it said since it served."""
        children = self.children() if self.process.poll() is None else []
        self.process.terminate()
        said = self.process.communicate(timeout=300)[0]
        _, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []
        return said


def words_of(process: psutil.Process) -> list[str]:
    """Return the name and command line of a process; empty for one that is gone."""
    try:
        return [process.name(), *process.cmdline()]
    except psutil.NoSuchProcess:
        return []


def start(state: Path, *options: str, **variables: str) -> Ui:
    """Begin an `isobar ui` on a port of its own, and wait until it serves."""
    process = begin(state, "ui", *(options or ("--port", str(free_port()))), **variables)
    assert process.stdout is not None
    said = []
    for words in process.stdout:
        said.append(words)
        if "UI is at" in words:
            return Ui(state, process, said)
    raise AssertionError(f"isobar ui ended without serving: {''.join(said)}")
