"""Names of roles and databases, as the built-in server and the migrations create them."""

SUPERUSER, DAGSTER = "isobar", "dagster"
LOADER, ANALYST, OPERATOR = "isobar_loader", "isobar_analyst", "isobar_operator"
ROLES = (SUPERUSER, LOADER, ANALYST, OPERATOR, DAGSTER)
#: The name of the warehouse's database; Dagster's is `DAGSTER`.
WAREHOUSE = "isobar"
