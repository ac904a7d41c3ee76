"""`make docs`: write the pages that are made from code and database, and say which changed."""

import tempfile
from pathlib import Path

import psycopg

from docs import answers, contract, diagrams, dictionary, reference
from pipelines.definitions import build_definitions
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import ANALYST, LOADER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.cookbook import known_data


def main() -> None:
    """Write each page anew, from the code and from a database that is made and thrown away."""
    definitions = build_definitions()
    _write(diagrams.PAGE, diagrams.page(definitions))
    _write(reference.PAGE, reference.page(definitions))
    _write(reference.EXAMPLE, reference.example(reference.EXAMPLE.read_text()))
    _write(reference.COMPOSE, reference.compose(reference.COMPOSE.read_text()))
    with tempfile.TemporaryDirectory(prefix="isobar-docs-") as folder:
        Path(folder).chmod(0o755)  # as root, the server is another user
        server = EmbeddedPostgres(Path(folder))
        try:
            _write_what_the_database_says(server.start(), Path(folder))
        finally:
            server.stop()


def _write_what_the_database_says(connections: Connections, folder: Path) -> None:
    url = connections.url(SUPERUSER, WAREHOUSE)
    migrate(url)
    with psycopg.connect(url, autocommit=True) as owner:
        _write(dictionary.PAGE, dictionary.page(owner))
        _write(contract.FILE, contract.document(owner))
        warehouse = Warehouse(connections.url(LOADER, WAREHOUSE))
        known_data.put(warehouse, owner, folder)
        known_data.set_clock(owner)
        warehouse.dispose()
    with psycopg.connect(connections.url(ANALYST, WAREHOUSE), autocommit=True) as analyst:
        _write(
            answers.PAGE,
            answers.answered(answers.with_questions(answers.PAGE.read_text()), analyst),
        )


def _write(page: Path, words: str) -> None:
    if not page.exists() or page.read_text() != words:
        page.write_text(words)
        print(f"wrote {page.name}")  # noqa: T201 - it is the command's answer


if __name__ == "__main__":
    main()
