"""Which source has which view and feed, so that those of a source that is away stay."""

from alembic import op

from pipelines.migrations.dropped import note_earlier

revision = "0002_parts_of_sources"
down_revision = "0001_one_history"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and note what is there."""
    note_earlier(op.get_bind())
