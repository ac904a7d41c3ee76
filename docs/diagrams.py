"""Write docs/tables.md from the declarations of tables: `make diagrams`.

A test fails while the page is not what this writes.
"""

from pathlib import Path

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from pipelines.migrations.apply import target_metadata

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
PAGE = Path(__file__).parent / "tables.md"
HEAD = """\
# Tables

Made from the declarations in `tables.py` files by `make diagrams`; do not edit. Views and functions
stand on these, and are what analysts read: `enriched` and `metrics`.

"""


def page() -> str:
    """The whole page: a diagram of each schema, and a line for each table."""
    tables = sorted(target_metadata().tables.values(), key=lambda table: table.fullname)
    schemas = sorted({str(table.schema) for table in tables})
    return HEAD + "\n".join(_schema(s, [t for t in tables if t.schema == s]) for s in schemas)


def _schema(schema: str, tables: list[Table]) -> str:
    lines = [f"## {schema}", "", "```mermaid", "erDiagram"]
    for table in tables:
        lines.append(f"    {table.name} {{")
        for column in table.columns:
            kind = column.type.compile(DIALECT).lower().split("(")[0]
            kind = kind.replace(" ", "_").replace("[]", "_array")
            key = " PK" if column.primary_key else " FK" if column.foreign_keys else ""
            lines.append(f"        {kind} {column.name}{key}")
        lines.append("    }")
    for table in tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda c: c.column_keys):
            by = ", ".join(constraint.column_keys)
            lines.append(f'    {constraint.referred_table.name} ||--o{{ {table.name} : "{by}"')
    lines += ["```", ""]
    lines += [f"- `{table.fullname}`: {table.comment}" for table in tables]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page())
