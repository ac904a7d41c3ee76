"""The simulated source of a declaration with a sample: its file in the inbox, or its document."""

import datetime as dt
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.ingest.feeds import FileInbox, HttpDocument, PagedApi, PageNumber
from pipelines.source import SandboxParts, Source


def build(source: Source) -> SandboxParts:
    """Return the sample of a source as its fetcher expects it."""
    assert source.sample is not None
    sample = resources.files(source.package).joinpath(source.sample)
    routes = [
        Route(source.settings.about(fetcher.setting)["url"], _answer(sample.read_bytes(), fetcher))
        for fetcher in source.fetchers
        if isinstance(fetcher, HttpDocument | PagedApi)
    ]

    def write_files(inbox: Path, _: dt.date) -> None:
        target = inbox / Path(str(source.sample)).name
        if not target.exists():
            inbox.mkdir(parents=True, exist_ok=True)
            with resources.as_file(sample) as file:
                shutil.copyfile(file, target)

    is_file = any(isinstance(one, FileInbox) for one in source.fetchers)
    return SandboxParts(routes=routes, write_files=write_files if is_file else None)


def _answer(content: bytes, fetcher: HttpDocument | PagedApi) -> Any:
    """Return what answers with the sample: all of it on the first page."""
    numbered = getattr(fetcher, "pagination", None)

    def answer(request: Request) -> Response:
        if isinstance(numbered, PageNumber):
            page = request.query_params.get(numbered.parameter, str(numbered.first))
            if page != str(numbered.first):
                return JSONResponse({})
        return Response(content, media_type="application/json")

    return answer
