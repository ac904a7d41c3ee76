"""`python -m pipelines.runtime.dagster_variables`: let Dagster's commands find the clone.

`make setup` runs it. Python in `.venv`, which is of this clone, sets variables when it starts,
unless they are set: DAGSTER_HOME, and options that three of Dagster's commands want.
"""

import sysconfig
from pathlib import Path

from pipelines.config import PROJECT

#: Dagster's commands that read neither `workspace.yaml` nor `pyproject.toml`, as it spells options.
WITHOUT_WORKSPACE = ("ASSET_LIST", "ASSET_MATERIALIZE", "JOB_EXECUTE")
MODULE = "pipelines.definitions"


if __name__ == "__main__":
    file = Path(sysconfig.get_path("purelib")) / "dagster_variables.pth"
    modules = {f"DAGSTER_CLI_{command}_MODULE_NAME": MODULE for command in WITHOUT_WORKSPACE}
    variables = {"DAGSTER_HOME": str(PROJECT)} | modules
    file.write_text(f"import os; os.environ.update({variables!r} | os.environ)\n")
