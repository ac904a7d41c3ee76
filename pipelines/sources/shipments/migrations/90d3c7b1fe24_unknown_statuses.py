"""Find unknown statuses without reading the whole history."""

from alembic import op

revision = "90d3c7b1fe24"
down_revision = "c40f8e92b1d7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "status_history_unknown_idx",
        "status_history",
        ["status", "status_raw"],
        schema="shipments",
        postgresql_where="status NOT IN ('in_transit', 'inbound_scan', 'scanned', 'delivery')",
    )
