"""The bridge in a browser: the pages, the engine and the code they run, as files that any web server serves.

phone_folder.py  a bundle and a page that classifies it, as one static folder
https_server.py  that folder on the local network, over HTTPS
phone_line.py    a phone as a sensor: its page, and the WebSocket it sends over; phone_address.py knows its address
inbox.py         recordings that a page sends back
dashboard_server.py  the page of a live session, with a WebSocket to it; mailboxes.py and admission.py are its parts
static/          har.js and har.wasm (the library), the page and its parts
"""

from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
"""Files that are served as they are."""

DASHBOARD: Final = Path(__file__).parent / "dashboard"
"""The page of a live session."""

DEFAULT_DASHBOARD_PORT: Final = 8800
LOOPBACK: Final = "127.0.0.1"
