"""Make each reading a delivery of its own: the same content may come again under its name."""

from alembic import op

revision = "8c52e1f7a906"
down_revision = "4a1d7c90e35b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("deliveries_source_name_loaded_at_idx"),
        "deliveries",
        ["source", "name", "loaded_at"],
        schema="ops",
    )
    op.drop_constraint(
        "deliveries_source_name_sha256_key", "deliveries", schema="ops", type_="unique"
    )
