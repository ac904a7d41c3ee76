"""Keep the bad records of deliveries that are rejected as a whole."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "b3f0a9d2e418"
down_revision = "8c52e1f7a906"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unloaded_rejects",
        sa.Column("reject_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("reasons", ARRAY(sa.Text()), nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.Column(
            "rejected_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("reject_id", name=op.f("unloaded_rejects_pkey")),
        schema="ops",
    )
    op.create_index(
        op.f("unloaded_rejects_source_name_idx"),
        "unloaded_rejects",
        ["source", "name"],
        schema="ops",
    )
