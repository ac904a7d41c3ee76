"""4.0: one history instead of one a source. Tables that are new in 4.0 are created as declared."""

from alembic import op

revision = "0001_one_history"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the version tables of 3.0, and call a feed so."""
    op.execute("ALTER TABLE ops.deliveries RENAME COLUMN source TO feed")
    op.execute(
        "ALTER INDEX ops.deliveries_source_name_loaded_at_idx"
        " RENAME TO deliveries_feed_name_loaded_at_idx"
    )
    op.execute("ALTER TABLE IF EXISTS ops.last_look DROP COLUMN IF EXISTS checks")
    op.execute(
        """
        DO $$
        DECLARE
            version_table regclass;
        BEGIN
            FOR version_table IN
                SELECT oid FROM pg_class
                WHERE relnamespace = 'ops'::regnamespace AND starts_with(relname, 'revision_') AND relkind = 'r'
            LOOP
                EXECUTE format('DROP TABLE %s', version_table);
            END LOOP;
        END
        $$
        """
    )
