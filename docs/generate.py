"""`make docs`: write the pages that are made from code and database, and say which changed."""

import tempfile
from pathlib import Path

import psycopg

from docs import answers, commands, diagrams, dictionary, lineage
from pipelines.cli import isobar
from pipelines.core.embedded_postgres import SUPERUSER, WAREHOUSE, EmbeddedPostgres
from pipelines.definitions import build_definitions
from pipelines.migrations.apply import migrate


def main() -> None:
    """Write each page anew, from the code and from databases that are made and thrown away."""
    _write(commands.PAGE, commands.page(isobar))
    _write(diagrams.PAGE, diagrams.page(build_definitions()))
    with tempfile.TemporaryDirectory(prefix="isobar-docs-") as folder:
        Path(folder).chmod(0o755)  # as root, the server is another user
        server = EmbeddedPostgres(Path(folder))
        try:
            url = server.start().url(SUPERUSER, WAREHOUSE)
            migrate(url)
            with psycopg.connect(url) as connection:
                _write(dictionary.PAGE, dictionary.page(connection))
                _write(lineage.FILE, lineage.document(connection))
        finally:
            server.stop()
    answers.main()


def _write(page: Path, words: str) -> None:
    if not page.exists() or page.read_text() != words:
        page.write_text(words)
        print(f"wrote {page.name}")  # noqa: T201 - it is the command's answer


if __name__ == "__main__":
    main()
