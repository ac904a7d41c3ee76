"""Commands that write the data dictionary in the form of other tools."""

import click

from pipelines.cli.console import reach_database
from pipelines.config import Settings


@click.group(short_help="Write the data dictionary for other tools.")
def docs() -> None:
    """Write what the database says of itself in the form of other tools."""


@docs.command("dbt-sources", short_help="Print sources.yml for a dbt project.")
def dbt_sources() -> None:
    """Print the sources.yml of a dbt project.

    It has the views and tables in enriched and metrics, those of plug-ins too, with descriptions,
    types, tests of keys, and freshness.

    \b
      isobar docs dbt-sources > models/sources.yml
    """
    from pipelines.cli.dbt_sources import sources_yml
    from pipelines.postgres.clients import connect

    settings = Settings.current()
    reach_database(settings)
    with connect(settings.warehouse_url()) as connection:
        click.echo(sources_yml(connection), nl=False)
