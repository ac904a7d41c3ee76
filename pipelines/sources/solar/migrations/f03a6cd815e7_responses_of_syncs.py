"""Name what a sync received response_count."""

from alembic import op

revision = "f03a6cd815e7"
down_revision = "b7d1e4093c6a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "syncs",
        "answers",
        new_column_name="response_count",
        comment="Responses that were stored.",
        schema="solar",
    )
