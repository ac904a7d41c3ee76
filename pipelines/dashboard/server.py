"""The web server of the dashboards, which rejects requests that pages of other origins send.

Streamlit itself opens its WebSocket for pages of any port of localhost.
"""

import sys
from contextlib import suppress
from importlib import resources

import streamlit as st
from starlette.middleware import Middleware

from pipelines.config import allowed_hosts
from pipelines.dashboard.theme import THEME
from pipelines.http.request_guard import RequestGuard

#: Options of Streamlit. The layer in front of it decides which origins may read.
OPTIONS = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "viewer",
    "client.showErrorLinks": "false",
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    "global.developmentMode": False,
    **THEME,
}


def main(host: str, port: int) -> None:
    """Serve the dashboards on an address until interrupted."""
    script = str(resources.files("pipelines.dashboard").joinpath("app.py"))
    app = st.App(script, middleware=[Middleware(RequestGuard, hosts=allowed_hosts())])
    with suppress(KeyboardInterrupt):  # raised once more when all is closed
        app.run(config=OPTIONS | {"server.address": host, "server.port": port})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
