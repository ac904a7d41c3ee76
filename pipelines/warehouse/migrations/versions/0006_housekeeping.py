"""What housekeeping takes away for its age: refused records, which are counted, and documents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "payloads",
        "body_gzip",
        existing_type=postgresql.BYTEA(),
        nullable=True,
        comment="The body as received, gzipped; null: housekeeping has removed it for its age.",
        existing_comment="The body as received, gzipped.",
        schema="flights",
    )
    op.add_column(
        "deliveries",
        sa.Column(
            "forgotten_count",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Those of the refused that housekeeping has taken out of quarantine for their age.",
        ),
        schema="ops",
    )
    op.create_check_constraint(
        op.f("deliveries_forgotten_check"),
        "deliveries",
        "forgotten_count BETWEEN 0 AND rejected_count",
        schema="ops",
    )
    op.alter_column(
        "deliveries",
        "rejected_count",
        existing_type=sa.Integer(),
        comment="Source records that were refused and not told well since: in quarantine (ops.quarantine), or forgotten.",
        existing_comment="Source records in quarantine (ops.quarantine).",
        existing_nullable=False,
        schema="ops",
    )
    op.create_table_comment(
        "deliveries",
        "The ledger: one row for each delivery, written in one transaction with its rows. read = loaded + unchanged + rejected, counted in source records; rejected = in quarantine + forgotten.",
        existing_comment="The ledger: one row for each delivery, written in one transaction with its rows. read = loaded + unchanged + rejected, counted in source records.",
        schema="ops",
    )
    op.create_table_comment(
        "quarantine",
        "Records that were refused, each with its reasons. Nothing that came is lost: what housekeeping takes out for its age is counted in ops.deliveries.",
        existing_comment="Records that were refused, each with its reasons. Nothing that came is lost.",
        schema="ops",
    )
