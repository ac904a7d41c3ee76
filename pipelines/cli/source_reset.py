"""`isobar sources reset`: delete what a plug-in has stored, so that it begins anew."""

import click

from pipelines.cli.console import reach_database
from pipelines.config import Settings
from pipelines.source import is_plugin, sources


@click.command(name="reset", short_help="Delete what a plug-in has stored.")
@click.argument("name")
@click.confirmation_option(
    "--yes",
    prompt="This deletes its tables, and its entries in ledger and quarantine. Go on?",
)
def reset(name: str) -> None:
    """Delete the tables of a plug-in, and its entries in ledger and quarantine.

    What others have built on its tables, such as a view of an analyst, is named and stops it.

    Empty tables are created from its models, and the next `isobar run` loads everything again. To
    keep what is stored, change the tables by what `isobar sources check NAME` names instead.
    """
    source = sources().get(name)
    if source is None or not is_plugin(source):
        plugins = [one.name for one in sources().values() if is_plugin(one)]
        raise click.BadParameter(f"{name!r} is not one of the plug-ins: {', '.join(plugins)}")
    from pipelines.migrations.apply import drop_plugin
    from pipelines.runtime.bootstrap import prepare_database

    settings = Settings.current()
    reach_database(settings)
    rows = drop_plugin(settings.warehouse_url(), source)
    prepare_database(settings, click.echo)
    click.echo(f"Deleted {rows:,} deliveries of {name}, with its tables. Next: isobar run {name}")
