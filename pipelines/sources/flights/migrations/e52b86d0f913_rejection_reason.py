"""Name why a snapshot was rejected rejection_reason."""

from alembic import op

revision = "e52b86d0f913"
down_revision = "c31d7a85e6b2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("snapshots", "refusal", new_column_name="rejection_reason", schema="flights")
