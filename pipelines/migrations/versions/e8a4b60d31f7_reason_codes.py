"""Store the code of each reason and the number of each rejected record."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "e8a4b60d31f7"
down_revision = "d15c7e20b8a3"
branch_labels = None
depends_on = None

#: The code of a reason that was stored in words alone.
CODE = r"""
CASE
    WHEN reason ~ '^(the (event|id|article) came before|datetime repeats an hour)' THEN 'came_before'
    WHEN reason LIKE 'lines of the shipment disagree on %' THEN 'lines_disagree'
    WHEN reason LIKE 'a leg is not in the document%' THEN 'leg_unknown'
    WHEN reason LIKE 'departure and arrival airport are the same%' THEN 'same_airport'
    WHEN reason LIKE 'datetime is skipped%' THEN 'datetime_skipped'
    WHEN reason = 'datetime is not on the hour' THEN 'datetime_not_on_the_hour'
    WHEN reason = 'datetime is in the future' THEN 'datetime_in_the_future'
    WHEN reason LIKE 'not an object%' THEN 'not_an_object'
    WHEN reason LIKE 'a quotation mark%' THEN 'unclosed_quote'
    WHEN reason LIKE 'it is not CSV%' THEN 'not_csv'
    WHEN reason LIKE 'it has more fields than%' THEN 'too_many_fields'
    WHEN reason LIKE 'it has %' THEN 'wrong_field_count'
    WHEN reason LIKE 'the key ''%'' is missing' THEN split_part(reason, '''', 2) || '_missing'
    WHEN reason LIKE '% is missing' THEN replace(split_part(reason, ' ', 1), '.', '_') || '_missing'
    ELSE replace(split_part(reason, ' ', 1), '.', '_') || '_invalid'
END
"""


def upgrade() -> None:
    for table in ("quarantine", "unloaded_rejects"):
        op.add_column(table, sa.Column("record_number", sa.BigInteger()), schema="ops")
        op.add_column(table, sa.Column("reason_codes", ARRAY(sa.Text())), schema="ops")
        op.execute(
            f"""
            UPDATE ops.{table} SET
                record_number = coalesce(substring(position FROM '[0-9]+'), '0')::bigint,
                reason_codes = ARRAY(SELECT {CODE} FROM unnest(reasons) AS reason)
            """
        )
        op.alter_column(table, "record_number", nullable=False, schema="ops")
        op.alter_column(table, "reason_codes", nullable=False, schema="ops")
    op.add_column("quarantine", sa.Column("is_final", sa.Boolean()), schema="ops")
    op.execute(
        """
        UPDATE ops.quarantine SET is_final = EXISTS (
            SELECT FROM unnest(reasons) AS reason WHERE reason LIKE 'the article came before%'
        )
        """
    )
    op.alter_column("quarantine", "is_final", nullable=False, schema="ops")
