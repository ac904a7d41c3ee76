"""`python -m pipelines.runtime.dagster_variables`: let Dagster's commands find the clone.

`make setup` runs it. Dagster finds `dagster.yaml` by DAGSTER_HOME alone, and three of its commands
know the project by an option alone. In `.venv`, which is of this clone, Python sets variables for
them when it starts, unless they are set: nobody has to export anything. Where an option names a
file of somebody's own, the command gets no module, which Dagster would reject beside it.
"""

import sysconfig
from pathlib import Path

from pipelines.config import PROJECT

#: Dagster's commands that read neither `workspace.yaml` nor `pyproject.toml`, as it spells options.
WITHOUT_WORKSPACE = ("ASSET_LIST", "ASSET_MATERIALIZE", "JOB_EXECUTE")
MODULE = "pipelines.definitions"
OF_FILES = ("-f", "--python-file", "--package-name")
LINE = """\
import os, sys; os.environ.update({home!r} | os.environ); \
[os.environ.pop(one) for one in {modules!r} if os.environ.get(one) == {module!r}] \
if any(one.startswith({of_files!r}) for one in sys.orig_argv) \
else os.environ.update({modules!r} | os.environ)
"""


def line() -> str:
    """Return what Python executes when it starts."""
    return LINE.format(
        home={"DAGSTER_HOME": str(PROJECT)},
        modules={f"DAGSTER_CLI_{command}_MODULE_NAME": MODULE for command in WITHOUT_WORKSPACE},
        module=MODULE,
        of_files=OF_FILES,
    )


if __name__ == "__main__":
    file = Path(sysconfig.get_path("purelib")) / "dagster_variables.pth"
    file.write_text(line())
