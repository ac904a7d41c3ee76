"""Names of roles and databases, as created by the built-in server and the migrations."""

SUPERUSER, DAGSTER = "isobar", "dagster"
LOADER, ANALYST, OPERATOR = "isobar_loader", "isobar_analyst", "isobar_operator"
#: The group of logins that build tables and views of their own. It has no login itself.
MODELLER = "isobar_modeller"
ROLES = (SUPERUSER, LOADER, ANALYST, OPERATOR, DAGSTER)
#: Name of the warehouse's database. Dagster's database is named `DAGSTER`.
WAREHOUSE = "isobar"


def role_of(source: str) -> str:
    """Return the role with whose rights the statements of a source run; it has no login."""
    return f"isobar_source_{source}"


def function_of(source: str) -> str:
    """Return the function that runs a statement with the rights of `role_of`."""
    return f"as_source.{source}"
