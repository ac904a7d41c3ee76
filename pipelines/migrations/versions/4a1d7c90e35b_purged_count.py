"""Name the rejects that housekeeping deletes from quarantine purged."""

from alembic import op

revision = "4a1d7c90e35b"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "deliveries",
        "forgotten_count",
        new_column_name="purged_count",
        comment="Rejected records that housekeeping has deleted from quarantine for their age.",
        schema="ops",
    )
    op.execute(
        "ALTER TABLE ops.deliveries"
        " RENAME CONSTRAINT deliveries_forgotten_check TO deliveries_purged_check"
    )
