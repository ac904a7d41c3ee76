"""Writes the bytecode of all that Isobar's processes import, for the image's files are read-only.

Of the libraries only what is imported: the rest would double their size.
"""

import compileall
import importlib
import sys
import warnings
from pathlib import Path

ENTRIES = [
    "alembic.command",
    "apprise",
    "babel.numbers",
    "dagster._cli.api",
    "dagster._daemon.cli",
    "dagster_celery.app",
    "dagster._utils.test.definitions",
    "dagster_graphql.schema",
    "dagster_webserver.cli",
    "pandera.pandas",
    "pipelines.cli.main",
    "pipelines.definitions",
    "pipelines.runtime.run_command",
    "pipelines.sandbox.app",
    "psycopg2",
    "pyarrow.csv",
    "rich.progress",
    "rich.table",
    "uvicorn.main",
]

sys.dont_write_bytecode = False
warnings.simplefilter("ignore")
for entry in ENTRIES:
    importlib.import_module(entry)
compileall.compile_dir(Path("pipelines"), quiet=1)
