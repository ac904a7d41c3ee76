"""Removes from Babel the languages that neither prices nor countries are read in."""

import json
from pathlib import Path

import babel
from babel.core import get_global
from babel.languages import get_official_languages

countries = get_global("territory_languages")
used = {name for country in countries for name in get_official_languages(country, de_facto=True)}
used |= set(json.loads(Path("pipelines/ingest/countries.json").read_text())["languages"])
kept = {"root"} | {name.split("_")[0] for name in used}
for file in (Path(babel.__file__).parent / "locale-data").glob("*.dat"):
    if file.stem.split("_")[0] not in kept:
        file.unlink()
