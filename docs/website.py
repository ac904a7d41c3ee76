"""Hooks of mkdocs (`make site`): pages outside docs/, links to them, and diagrams offline.

Pages link to each other in the way that the forge resolves. This module adapts links where the
website differs; it writes no page. `mkdocs.yml` has the menu and the theme.
"""

import posixpath
import re
from importlib.resources import files as resources
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
#: Pages outside docs/ by their path on the site. The README is the site's first page.
OUTSIDE = {
    "index.md": "README.md",
    **{name: name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")},
    "examples/isobar-parking/README.md": "examples/isobar-parking/README.md",
    "examples/isobar-tides/README.md": "examples/isobar-tides/README.md",
}
MERMAID = "assets/mermaid.js"

_PLACES = {path: place for place, path in OUTSIDE.items()}
_FENCED = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(!?)\[((?:[^][]|\[[^]]*])*)]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside docs/, and mermaid.js from the package that brings it."""
    for place, path in OUTSIDE.items():
        files.append(File.generated(config, place, content=(ROOT / path).read_text("utf-8")))
    script = resources("mermaidx") / MERMAID
    files.append(File.generated(config, MERMAID, content=script.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to their targets on the site; a link to a file of code becomes plain text."""
    place = page.file.src_uri
    path = OUTSIDE.get(place, f"docs/{place}")

    def adapted(found: re.Match[str]) -> str:
        is_picture, text, link = found.groups()
        if re.match(r"[a-z]+:|#", link):
            return found[0]
        target, hash_, anchor = link.partition("#")
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        there = _PLACES.get(wanted) or wanted.removeprefix("docs/")
        if files.get_file_from_path(there) is None and (ROOT / wanted).exists():
            return str(text)
        there = posixpath.relpath(there, posixpath.dirname(place))
        return f"{is_picture}[{adapt(text)}]({there}{hash_}{anchor})"

    def adapt(prose: str) -> str:
        with_breaks = prose.replace("\\\n", "  \n")  # Python-Markdown's way to break a line
        return _LINK.sub(adapted, with_breaks)

    parts = _FENCED.split(markdown)
    return "".join(part if part.startswith("```") else adapt(part) for part in parts)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Load mermaid.js from the site itself, only on pages with diagrams."""
    if 'class="mermaid"' not in output:
        return output
    script = posixpath.relpath(MERMAID, posixpath.dirname(page.file.dest_uri))
    return output.replace("</head>", f'<script src="{script}"></script></head>')
