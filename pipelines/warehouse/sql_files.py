"""SQL that is written as SQL: reading and executing `.sql` files."""

from importlib import resources

from sqlalchemy import Connection


def read_sql(package: str, name: str) -> str:
    """The text of `<package>/sql/<name>.sql`."""
    return (
        resources.files(package)
        .joinpath("sql", *f"{name}.sql".split("/"))
        .read_text(encoding="utf-8")
    )


def execute_script(connection: Connection, script: str) -> None:
    """Execute SQL of one or more statements as it stands: nothing in it is a parameter."""
    connection.exec_driver_sql(script, execution_options={"no_parameters": True})
