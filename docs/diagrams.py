"""Diagrams of assets and tables (docs/diagrams.md), and the map of files in docs/architecture.md.

`docs.generate` writes them; a test fails while the pages differ from what this returns.
"""

import ast
import re
from collections.abc import Set
from pathlib import Path

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from pipelines.migrations.apply import all_tables
from pipelines.source import sources

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
PAGE = Path(__file__).parent / "diagrams.md"
ARCHITECTURE = Path(__file__).parent / "architecture.md"
MAP_OF_FILES = re.compile(r"(<!-- made: files -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = """\
# Diagrams

Use this page to see which asset depends on which, and which keys join the tables. It is generated
from the asset definitions and the table declarations: `make docs` writes it; do not edit it. How
data flows in general is in [architecture](architecture.md).

## Asset graph

An arrow leads from an asset to the assets that read it. Rounded boxes are files, documents and
services outside Isobar. Boxes inside a box are loaded together, in one transaction. The web UI
shows the same graph.

"""
KEYS = """\
## Keys and references

These diagrams show keys only; all columns are in the [data dictionary](data-dictionary.md). Data
tables also have a `delivery_id`, which names a row of `ops.deliveries`. It is not declared as a
foreign key: both rows are written in one transaction, and checking every row would slow down bulk
loads.

"""


def page(definitions: dg.Definitions) -> str:
    """Return the page of diagrams."""
    return HEAD + assets(definitions.resolve_asset_graph()) + "\n" + KEYS + tables().rstrip() + "\n"


def architecture() -> str:
    """Return the page on architecture with its map of files as the docstrings are now."""
    text = ARCHITECTURE.read_text()
    return MAP_OF_FILES.sub(lambda found: found[1] + files() + found[2], text)


def files() -> str:
    """Return a table of the modules in pipelines/ with the summaries of their docstrings."""
    folder = PAGE.parent.parent / "pipelines"
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
    shown = members | {key for edge in edges for key in edge}
    boxes: dict[dg.AssetKey, str] = {}  # of what is loaded together, and the name of its box
    lines = ["```mermaid", "flowchart LR"]
    for key in sorted(shown, key=_dotted):
        together = {*graph.get(key).assets_def.keys} & members & graph.materializable_asset_keys
        if len(together) > 1 and key == min(together, key=_dotted):
            box = f"{_id(key)}_and_more"
            boxes |= dict.fromkeys(together, box)
            lines.append(f'    subgraph {box}["{_schema(together)}, loaded together"]')
            lines += [f"        {_node(graph, one)}" for one in sorted(together, key=_dotted)]
            lines.append("    end")
        elif len(together) <= 1:
            lines.append(f"    {_node(graph, key)}")
    lines += sorted({f"    {a} --> {b}" for a, b in _merged(edges, boxes)})
    return "\n".join([*lines, "```", ""])


def _merged(
    edges: set[tuple[dg.AssetKey, dg.AssetKey]], boxes: dict[dg.AssetKey, str]
) -> set[tuple[str, str]]:
    """Arrows between assets; one to the box where an asset leads to all that is in it."""
    arrows = set()
    for parent, key in edges:
        box = boxes.get(key)
        inside = {one for one in boxes if box is not None and boxes[one] == box}
        leads_to_all = bool(inside) and all((parent, one) in edges for one in inside)
        arrows.add((_id(parent), box if box and leads_to_all else _id(key)))
    return arrows


def _schema(keys: Set[dg.AssetKey]) -> str:
    return ", ".join(sorted({key.path[0] for key in keys}))


def _node(graph: AssetGraph, key: dg.AssetKey) -> str:
    name = _dotted(key)
    return (
        f'{_id(key)}["{name}"]' if graph.get(key).is_materializable else f'{_id(key)}(["{name}"])'
    )


def _dotted(key: dg.AssetKey) -> str:
    return ".".join(key.path)


def _id(key: dg.AssetKey) -> str:
    return re.sub(r"\W", "_", "_".join(key.path))


def tables() -> str:
    """Return a diagram of the references in each schema; tables without any are listed below it."""
    declared = all_tables()
    schemas = sorted({str(table.schema) for table in declared})
    return "\n".join(_tables_of(s, [t for t in declared if t.schema == s]) for s in schemas) + "\n"


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
