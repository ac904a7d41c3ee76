"""Create the table of hotels, which operators fill."""

from alembic import op

from pipelines.sources.bookings.tables import hotels

revision = "6f2c90d7ab15"
down_revision = "2b8e64d1c0fa"
branch_labels = None
depends_on = None


def upgrade() -> None:
    hotels.create(op.get_bind())
