"""`python -m pipelines.runtime.plugins`: plug-ins outlive the `.venv` that they are installed in.

`make` clears `.venv` when what makes it has changed. Before, `note` writes down which packages in
it have a source, and from where they came; `install` installs them again. Both need nothing but
Python: they run while nothing else is installed.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

#: Beside `.venv`, so that it is there if making that is interrupted.
NOTED = Path(".venv.plugins")
LOCKED = Path("requirements", "runtime.lock")


def plugins(environment: Path) -> dict[str, list[str]]:
    """Return the arguments that install each package with a source of an environment, by name."""
    places = map(str, environment.glob("lib/python*/site-packages"))
    return {
        found.name: _origin(found)
        for found in distributions(path=[*places])
        if found.entry_points.select(group="isobar.sources")
    }


def _origin(found: Distribution) -> list[str]:
    """Return from where a package was installed, as arguments of `uv pip install`."""
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    url: str = origin.get("url", "")
    if origin.get("dir_info", {}).get("editable"):
        return ["--editable", url2pathname(urlsplit(url).path)]
    if not url:
        return [f"{found.name}=={found.version}"]
    if version := origin.get("vcs_info"):
        url = f"{version['vcs']}+{url}@{version['commit_id']}"
    folder = origin.get("subdirectory")
    return [f"{found.name} @ {url}" + (f"#subdirectory={folder}" if folder else "")]


def note(environment: Path, file: Path) -> None:
    """Write down the packages with sources, with those that are noted and not installed yet."""
    found = _noted(file) | plugins(environment)
    if found:
        file.write_text(json.dumps(found))


def _noted(file: Path) -> dict[str, list[str]]:
    return json.loads(file.read_text()) if file.exists() else {}


def install(file: Path, python: Path, words: Iterable[str] = ()) -> list[str]:
    """Install what is noted again; return a message for each package that cannot be."""
    failed = []
    for name, origin in _noted(file).items():
        command = [str(python.parent / "uv"), "pip", "install"]
        quiet = [*command, "--quiet", "--python", str(python), *words]
        locked = ["--constraint", str(LOCKED)] if LOCKED.exists() else []
        for more in (locked, ["--no-deps"]):  # as people may have installed it
            done = subprocess.run([*quiet, *more, *origin], capture_output=True, text=True)
            if done.returncode == 0:
                break
        else:
            said = " ".join(done.stderr.split())
            again = " ".join([*command, *(f"'{one}'" if " " in one else one for one in origin)])
            failed.append(f"The plug-in {name} is not installed any more: {said}\n  {again}")
    file.unlink(missing_ok=True)
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "note":
        note(Path(".venv"), NOTED)
    else:
        for message in install(NOTED, Path(sys.executable)):
            print(message, file=sys.stderr)  # noqa: T201 - as make itself does
