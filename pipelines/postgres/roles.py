"""Names of roles and databases, as created by the built-in server and the migrations."""

SUPERUSER, DAGSTER = "isobar", "dagster"
LOADER, ANALYST, OPERATOR = "isobar_loader", "isobar_analyst", "isobar_operator"
#: Who owns tables, views and functions. It has no login itself.
OWNER = "isobar_owner"
#: The group of logins that build tables and views of their own. It has no login itself.
MODELLER = "isobar_modeller"
ROLES = (SUPERUSER, LOADER, ANALYST, OPERATOR, DAGSTER)
#: Name of the warehouse's database. Dagster's database is named `DAGSTER`.
WAREHOUSE = "isobar"
