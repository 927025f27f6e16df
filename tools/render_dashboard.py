"""Take pictures of the dashboard in front of a simulated sensor, for people who judge its looks.

The sensor plays RECORDINGS, or made-up ones; a store of six channels shows the picture of the turning rate. Shows the
live page, a guided recording and a recording that is played, each at 1280 and 390 pixels, in light and dark. Needs
Chromium and the package playwright. Writes OUT/STATE-WIDTH-SCHEME.png.

Usage: tools/render_dashboard.py OUT [RECORDINGS]
"""

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
HAR = [sys.executable, "-P", "-m", "edgehar"]


@contextlib.contextmanager
def dashboard(data: str) -> Iterator[str]:
    """Run a simulated sensor and a live session during the block; yields the page's address."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ending:
        folder = Path(name)
        link = folder / "ttyUSB0"
        options = ["--dashboard", "--dashboard-port", "0", "--recordings", str(folder / "recordings"), "--plain"]
        for command in (
            ["simulate", "--data", data, "--link", str(link), "--loop", "--protocol", "frames"],
            ["live", "lstm", "--hop", "50", "--port", str(link), *options],
        ):
            while command[0] == "live" and not link.exists():
                time.sleep(0.1)
            process = subprocess.Popen([*HAR, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            ending.callback(process.communicate)
            ending.callback(process.send_signal, signal.SIGINT)
        url = ""
        while not url and process.stderr is not None:
            line = process.stderr.readline()
            url = line.removeprefix("dashboard: ").strip() if line.startswith("dashboard: ") else ""
        yield url


def show_live(page: Any) -> None:
    """Let a few labels come."""
    page.wait_for_timeout(6000)


def show_guide(page: Any) -> None:
    """Begin a guided recording."""
    page.click("summary")
    for place in (0, 7, 8):
        page.check(f"#choices input >> nth={place}")
    page.fill("#seconds", "5")
    page.click("#guide")
    page.wait_for_timeout(7000)


def show_player(page: Any) -> None:
    """Play the newest recording."""
    page.click("#stop-guide")
    page.get_by_role("button", name="Play ").first.click()
    page.wait_for_selector("#player:not([hidden])")
    page.wait_for_timeout(3000)


STATES = {"live": show_live, "guide": show_guide, "player": show_player}


def main(out: Path, data: str = "synthetic") -> None:
    """Take the pictures."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    with dashboard(data) as url, sync_playwright() as runner:
        browser = runner.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#label:not(.idle)", timeout=60_000)
        for state, show in STATES.items():
            show(page)
            for width in WIDTHS:
                for scheme in SCHEMES:
                    page.set_viewport_size({"width": width, "height": 900})
                    page.emulate_media(color_scheme=scheme)
                    page.wait_for_timeout(800)
                    page.screenshot(path=out / f"{state}-{width}-{scheme}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), *sys.argv[2:])
