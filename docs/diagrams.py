"""The generated parts of docs/architecture.md: the map of files, diagrams of assets and tables.

`docs.generate` writes them; a test fails while the page differs from what this returns.
"""

import ast
import re
from pathlib import Path

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from pipelines.migrations.apply import all_tables
from pipelines.source import sources

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
PAGE = Path(__file__).parent / "architecture.md"


def page(definitions: dg.Definitions) -> str:
    """Return the page with its generated parts as code and declarations are now."""
    text = PAGE.read_text()
    graph = definitions.resolve_asset_graph()
    for name, made in (("files", files()), ("assets", assets(graph)), ("keys", tables())):
        marked = re.compile(rf"(<!-- made: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = marked.sub(lambda found, made=made: found[1] + made + found[2], text)  # type: ignore[misc]
    return text


def files() -> str:
    """Return a table of the modules in pipelines/ with the summaries of their docstrings."""
    folder = Path(__file__).parent.parent / "pipelines"
    modules = {one.name: one for one in folder.glob("*.py") if one.name != "__init__.py"}
    modules |= {f"{one.parent.name}/": one for one in folder.glob("*/__init__.py")}
    lines = ["| in `pipelines/` | contents |", "|---|---|"]
    for name, module in sorted(modules.items(), key=lambda one: ("/" not in one[0], one[0])):
        docstring = ast.get_docstring(ast.parse(module.read_text())) or ""
        lines.append(f"| `{name}` | {' '.join(docstring.split(chr(10) * 2)[0].split())} |")
    return "\n".join([*lines, ""])


def assets(graph: AssetGraph) -> str:
    """Return a diagram for each source: its assets, what they read, and what reads them."""
    return "\n".join(f"### {domain}\n\n{_assets_of(graph, domain)}" for domain in sources())


def _assets_of(graph: AssetGraph, domain: str) -> str:
    members = {key for key in graph.get_all_asset_keys() if graph.get(key).group_name == domain}
    edges = {
        (parent, key)
        for key in graph.get_all_asset_keys()
        for parent in graph.get(key).parent_keys
        if key in members or parent in members
    }
    shown = sorted(members | {key for edge in edges for key in edge})
    lines = ["```mermaid", "flowchart LR", *(f"    {_node(graph, key)}" for key in shown)]
    lines += sorted(f"    {_id(parent)} --> {_id(key)}" for parent, key in edges)
    return "\n".join([*lines, "```", ""])


def _node(graph: AssetGraph, key: dg.AssetKey) -> str:
    name = ".".join(key.path)
    return (
        f'{_id(key)}["{name}"]' if graph.get(key).is_materializable else f'{_id(key)}(["{name}"])'
    )


def _id(key: dg.AssetKey) -> str:
    return re.sub(r"\W", "_", "_".join(key.path))


def tables() -> str:
    """Return a diagram of the references in each schema; tables without any are listed below it."""
    declared = all_tables()
    schemas = sorted({str(table.schema) for table in declared})
    return "\n".join(_tables_of(s, [t for t in declared if t.schema == s]) for s in schemas)


def _tables_of(schema: str, of_schema: list[Table]) -> str:
    references = [
        (constraint.referred_table, table, ", ".join(constraint.column_keys))
        for table in of_schema
        for constraint in sorted(table.foreign_key_constraints, key=lambda c: tuple(c.column_keys))
    ]
    related = {table for referred, table, _ in references for table in (referred, table)}
    lines = [f"### Tables of {schema}", ""]
    if references:
        lines += ["```mermaid", "erDiagram"]
        for table in sorted(related, key=lambda one: one.fullname):
            name = table.name if table.schema == schema else f'{table.name}["{table.fullname}"]'
            lines += [f"    {name} {{", *(f"        {key}" for key in _keys(table)), "    }"]
        lines += [f'    {one.name} ||--o{{ {other.name} : "{by}"' for one, other, by in references]
        lines += ["```", ""]
    if alone := [table for table in of_schema if table not in related]:
        of_each = (f"`{one.name}` ({', '.join(c.name for c in one.primary_key)})" for one in alone)
        title = "Tables without references" if references else "Keys"
        lines += [f"{title}: {', '.join(of_each)}.", ""]
    return "\n".join(lines)


def _keys(table: Table) -> list[str]:
    """Type, name and kind of each column that is a key, or refers to one."""
    return [
        f"{column.type.compile(DIALECT).lower().split('(')[0].replace(' ', '_')} {column.name}"
        f" {'PK' if column.primary_key else 'FK'}"
        for column in table.columns
        if column.primary_key or column.foreign_keys
    ]
