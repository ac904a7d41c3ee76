"""What of docs/architecture.md is made: the map of files, the graph of assets, the tables.

`docs.generate` puts each between its markers; a test fails while they are not what this gives.
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
PAGE = Path(__file__).parent / "architecture.md"
MARKED = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(definitions: dg.Definitions) -> str:
    """The page as it has to be: what is written by hand, and what is made as it is now."""
    made = {
        "files": files(),
        "assets": assets(definitions.resolve_asset_graph()),
        "tables": tables(),
    }
    return MARKED.sub(lambda found: found[1] + made[found[2]] + found[3], PAGE.read_text())


def files() -> str:
    """What lives where in pipelines/, in the words of the docstrings."""
    folder = PAGE.parent.parent / "pipelines"
    modules = {one.name: one for one in folder.glob("*.py") if one.name != "__init__.py"}
    modules |= {f"{one.parent.name}/": one for one in folder.glob("*/__init__.py")}
    lines = ["| in `pipelines/` | what lives there |", "|---|---|"]
    for name, module in sorted(modules.items(), key=lambda one: ("/" not in one[0], one[0])):
        docstring = ast.get_docstring(ast.parse(module.read_text())) or ""
        lines.append(f"| `{name}` | {' '.join(docstring.split(chr(10) * 2)[0].split())} |")
    return "\n".join([*lines, ""])


def assets(graph: AssetGraph) -> str:
    """A diagram for each domain: its assets, what they stand on, and what stands on them."""
    return "\n".join(f"### {domain}\n\n{_assets_of(graph, domain)}" for domain in sources()) + "\n"


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
        together = (
            graph.get(key).execution_set_asset_keys & members & graph.materializable_asset_keys
        )
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
    """Of each schema a diagram of the tables that refer to others, and the rest in a line."""
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
        lines += [f"{'Besides' if references else 'Keys'}: {', '.join(of_each)}.", ""]
    return "\n".join(lines)


def _keys(table: Table) -> list[str]:
    """Type, name and kind of each column that is a key, or refers to one."""
    return [
        f"{column.type.compile(DIALECT).lower().split('(')[0].replace(' ', '_')} {column.name}"
        f" {'PK' if column.primary_key else 'FK'}"
        for column in table.columns
        if column.primary_key or column.foreign_keys
    ]
