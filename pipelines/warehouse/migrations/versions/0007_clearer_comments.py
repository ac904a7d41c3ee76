"""Comments of tables that a stranger understands."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table_comment(
        "snapshots",
        "The archive of what was on offer: the document of each day, as it came. Everything else in this schema is read from it.",
        existing_comment="The archive: which document was offered on which day. Everything else in this schema is read from it.",
        schema="flights",
    )
    op.create_table_comment(
        "shipments",
        "Parcels, one row each, as the last file says that has it.",
        existing_comment="One row a shipment, as the last file says that has it.",
        schema="shipments",
    )
    op.create_table_comment(
        "readings",
        "Expected and observed energy and irradiation of each plant, hour by hour: the monitoring service's latest word.",
        existing_comment="What the monitoring service says of each plant and hour, the latest word.",
        schema="solar",
    )
    op.create_table_comment(
        "places",
        "Every place whose weather is wanted, each once: airports, towns of addresses, solar plants.",
        existing_comment="Every place whose weather some domain wants, each once.",
        schema="weather",
    )
    op.create_table_comment(
        "hourly",
        "The weather of places hour by hour, where flights depart or arrive or a plant was read. Weather data by Open-Meteo.com (CC BY 4.0).",
        existing_comment="The weather of places at the hours that domains ask for. Weather data by Open-Meteo.com (CC BY 4.0).",
        schema="weather",
    )
    op.alter_column(
        "refreshes",
        "last_success_at",
        existing_type=sa.DateTime(timezone=True),
        comment="When its weather was last received: what is old is due again, an observation after two hours, hours after three.",
        existing_comment="When its weather was last received; due again two hours later, hours after three.",
        existing_nullable=True,
        schema="weather",
    )
