"""The records of a CSV file, all of them parsed one by one: what the fast way must match."""

from typing import Any

import pytest

from pipelines.ingest import csv_files
from pipelines.ingest.csv_files import CsvFile
from pipelines.ingest.csv_layout import Record


def records(file: CsvFile) -> list[Record]:
    def one_by_one(self: CsvFile, content: bytes, first: int) -> list[Record]:
        return [*self._one_by_one(content, first)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CsvFile, "_at_once", one_by_one)
        patch.setattr(csv_files, "of_records", lambda records, *_: records)
        found: list[Any] = [one for batch in file.batches() for one in batch]  # type: ignore[attr-defined]
    return found
