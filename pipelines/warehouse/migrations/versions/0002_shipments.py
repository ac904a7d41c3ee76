"""Shipments, and what inboxes need."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA shipments")
    op.execute(
        "COMMENT ON SCHEMA shipments IS"
        " 'What files of shipments say: parcels, their articles, what became of them.'"
    )
    op.create_table(
        "inbox_files",
        sa.Column("source", sa.Text(), nullable=False, comment="Whose inbox: shipments, …"),
        sa.Column("name", sa.Text(), nullable=False, comment="Name of the file."),
        sa.Column("byte_count", sa.BigInteger(), nullable=False, comment="Its size then."),
        sa.Column(
            "modified_ns",
            sa.BigInteger(),
            nullable=False,
            comment="When its content was last changed then, in nanoseconds since 1970.",
        ),
        sa.Column(
            "changed_ns",
            sa.BigInteger(),
            nullable=False,
            comment="When the file system last changed anything about it then, in nanoseconds.",
        ),
        sa.Column(
            "reading",
            sa.Text(),
            nullable=False,
            comment="How it was read, such as its encoding.",
        ),
        sa.Column(
            "sha256",
            sa.Text(),
            nullable=True,
            comment="Digest of its content; null where it was refused.",
        ),
        sa.Column(
            "problem",
            sa.Text(),
            nullable=True,
            comment="Why it was refused as a whole; null where it was taken.",
        ),
        sa.Column(
            "run_id",
            sa.Text(),
            nullable=True,
            comment="The Dagster run that took or refused it.",
        ),
        sa.Column(
            "looked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was taken or refused.",
        ),
        sa.PrimaryKeyConstraint("source", "name", name=op.f("inbox_files_pkey")),
        schema="ops",
        comment="Files of inboxes as they were when taken or refused: others are taken next.",
    )
    op.create_table(
        "addresses",
        sa.Column("address", sa.Text(), nullable=False, comment="The address as sent."),
        sa.Column(
            "street",
            sa.Text(),
            nullable=True,
            comment="What stands before the place: street, house, company.",
        ),
        sa.Column(
            "postcode",
            sa.Text(),
            nullable=True,
            comment="In capitals, without a country's prefix; null where none.",
        ),
        sa.Column("city", sa.Text(), nullable=True, comment="Name of the place, as sent."),
        sa.Column("country", sa.Text(), nullable=True, comment="Name of the country, as sent."),
        sa.Column(
            "country_code",
            sa.Text(),
            nullable=True,
            comment="ISO 3166-1 alpha-2 code of the country.",
        ),
        sa.Column(
            "address_status",
            sa.Text(),
            nullable=False,
            comment="parsed: place and country are known; no_postcode: they are, without a postcode; odd_postcode: it has a number that is no postcode of the country; unknown_country: the last part names no country; unparsed: no place was found.",
        ),
        sa.Column(
            "parser_version",
            sa.SmallInteger(),
            nullable=False,
            comment="Version of the parser that read it; a newer one reads it again.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("addresses_pkey")),
        schema="shipments",
        comment="Every address that a shipment has, in its parts. Read from the text, not looked up.",
    )
    op.create_index(
        "addresses_problem_idx",
        "addresses",
        ["address_status"],
        unique=False,
        schema="shipments",
        postgresql_where="address_status NOT IN ('parsed', 'no_postcode')",
    )
    op.create_table(
        "shipments",
        sa.Column(
            "tracking_number",
            sa.Text(),
            nullable=False,
            comment="The carrier's number of the parcel; another carrier may have the same.",
        ),
        sa.Column(
            "carrier", sa.Text(), nullable=False, comment="Who carries it, as sent: DHL, UPS, …"
        ),
        sa.Column(
            "sender_address", sa.Text(), nullable=False, comment="From where (shipments.addresses)."
        ),
        sa.Column(
            "receiver_address", sa.Text(), nullable=False, comment="To where (shipments.addresses)."
        ),
        sa.Column(
            "status",
            sa.Text(),
            nullable=False,
            comment="in_transit, inbound_scan, scanned or delivery; other words are kept as sent, with _ for -.",
        ),
        sa.Column("status_raw", sa.Text(), nullable=False, comment="The status as sent."),
        sa.Column(
            "article_count",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="How many different articles are in it (shipments.articles).",
        ),
        sa.Column(
            "units",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="How many pieces are in it.",
        ),
        sa.Column(
            "total_value",
            sa.Numeric(),
            server_default="0",
            nullable=False,
            comment="Pieces times their prices. The files name no currency.",
        ),
        sa.Column(
            "first_seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it was first seen.",
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When a file last had it, whether it changed anything or not.",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When anything of it last changed, its articles included.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.ForeignKeyConstraint(
            ["receiver_address"],
            ["shipments.addresses.address"],
            name=op.f("shipments_receiver_address_fkey"),
        ),
        sa.ForeignKeyConstraint(
            ["sender_address"],
            ["shipments.addresses.address"],
            name=op.f("shipments_sender_address_fkey"),
        ),
        sa.PrimaryKeyConstraint("tracking_number", "carrier", name=op.f("shipments_pkey")),
        schema="shipments",
        comment="One row a shipment, as the last file says that has it.",
    )
    op.create_index(
        "shipments_last_changed_idx",
        "shipments",
        [sa.text("updated_at DESC"), "tracking_number"],
        unique=False,
        schema="shipments",
    )
    op.create_index(
        op.f("shipments_total_value_idx"),
        "shipments",
        ["total_value"],
        unique=False,
        schema="shipments",
    )
    op.create_table(
        "articles",
        sa.Column(
            "tracking_number",
            sa.Text(),
            nullable=False,
            comment="The carrier's number of the parcel; another carrier may have the same.",
        ),
        sa.Column(
            "carrier", sa.Text(), nullable=False, comment="Who carries it, as sent: DHL, UPS, …"
        ),
        sa.Column("sku", sa.Text(), nullable=False, comment="The seller's number of the article."),
        sa.Column("article_name", sa.Text(), nullable=False, comment="What it is, as sent."),
        sa.Column(
            "quantity", sa.Integer(), nullable=False, comment="How many pieces, at least one."
        ),
        sa.Column(
            "unit_price",
            sa.Numeric(precision=10, scale=2),
            nullable=False,
            comment="Price of one piece. The files name no currency.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.ForeignKeyConstraint(
            ["tracking_number", "carrier"],
            ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
            name=op.f("articles_tracking_number_carrier_fkey"),
        ),
        sa.PrimaryKeyConstraint("tracking_number", "carrier", "sku", name=op.f("articles_pkey")),
        schema="shipments",
        comment="What is in each shipment, a row for each article. One that a later file leaves out stays: a file may tell a part.",
    )
    op.create_table(
        "status_history",
        sa.Column(
            "tracking_number",
            sa.Text(),
            nullable=False,
            comment="The carrier's number of the parcel; another carrier may have the same.",
        ),
        sa.Column(
            "carrier", sa.Text(), nullable=False, comment="Who carries it, as sent: DHL, UPS, …"
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When a file with this status was loaded.",
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="The status from then on."),
        sa.Column("status_raw", sa.Text(), nullable=False, comment="The status as sent."),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.ForeignKeyConstraint(
            ["tracking_number", "carrier"],
            ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
            name=op.f("status_history_tracking_number_carrier_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "tracking_number", "carrier", "seen_at", name=op.f("status_history_pkey")
        ),
        schema="shipments",
        comment="Every change of a shipment's status, the first status included.",
    )
    op.add_column(
        "deliveries",
        sa.Column(
            "header",
            sa.Text(),
            nullable=True,
            comment="First line of a CSV file, without which its quarantined lines cannot be read.",
        ),
        schema="ops",
    )
    op.add_column(
        "quarantine",
        sa.Column(
            "record_key",
            postgresql.ARRAY(sa.Text()),
            nullable=True,
            comment="Its key in the source's terms, where it could be told: a later delivery that has the record with this key takes it out of here.",
        ),
        schema="ops",
    )
    op.create_index(
        "quarantine_record_key_idx",
        "quarantine",
        ["record_key"],
        unique=False,
        schema="ops",
        postgresql_where="record_key IS NOT NULL",
    )
    op.alter_column(
        "deliveries",
        "unchanged_count",
        existing_type=sa.Integer(),
        comment="Source records that said what was known already, or that a later delivery said after they had been refused.",
        existing_comment="Source records that said what was known already.",
        existing_nullable=False,
        schema="ops",
    )
    op.alter_column(
        "deliveries",
        "loaded_at",
        existing_type=postgresql.TIMESTAMP(timezone=True),
        comment="When it was loaded.",
        existing_comment="When the transaction that loaded it began.",
        existing_nullable=False,
        existing_server_default=sa.text("now()"),
        schema="ops",
    )
