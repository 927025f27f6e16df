"""Take pictures of the pages for a phone: two widths, light and dark, idle, listening, in doubt, as a sensor.

    python tools/render_phone.py OUT BUNDLE

Chromium (Debian's) and playwright are needed. Readings are made up: somebody who walks with the phone upright.
"""

import http.server
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from edgehar.firmware_bridge.web.phone_folder import phone_files, sensor_files, write_phone_folder
from edgehar.models.bundle import read_bundle
from edgehar.pipeline.compilers import Target, compile_bundle

WIDTHS: Final = (390, 1280)
SCHEMES: Final = ("light", "dark")
REPLAY: Final = """
addEventListener("devicemotion", (event) => { if (event.isTrusted) event.stopImmediatePropagation(); }, true);
window.walk = (height) => {
  for (let index = 0; index < 400; index++) {
    const t = index / 60;
    const reading = { x: Math.sin(9 * t), y: height + 3 * Math.cos(18 * t), z: 1 + Math.sin(5 * t) };
    const rotationRate = { alpha: 40 * Math.sin(9 * t), beta: 90 * Math.cos(9 * t), gamma: 25 * Math.sin(18 * t) };
    const motion = { accelerationIncludingGravity: reading, rotationRate, interval: 16 };
    const event = new DeviceMotionEvent("devicemotion", motion);
    Object.defineProperty(event, "timeStamp", { value: performance.now() + 1000 * t });
    dispatchEvent(event);
  }
};
"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def served(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve files on loopback, where browsers take pages as secure."""
    with tempfile.TemporaryDirectory() as folder:
        write_phone_folder(files, Path(folder) / "page")
        handler = partial(_Quiet, directory=f"{folder}/page")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            server.server_close()


def take_pictures(browser: Any, url: str, name: str, out: Path, *, is_sensor: bool) -> None:
    """Write a picture of every state at every width, light and dark."""
    for width in WIDTHS:
        for scheme in SCHEMES:
            page = browser.new_page(viewport={"width": width, "height": 860}, color_scheme=scheme)
            page.add_init_script(REPLAY)
            page.goto(url)
            states = {"idle": None} if is_sensor else {"idle": None, "listening": 9.3, "doubt": 2.0}
            for state, height in states.items():
                if not is_sensor:
                    page.evaluate("har.ready")
                if height is not None:
                    page.click("#start") if page.is_visible("#start") else None
                    page.evaluate("walk", height)
                page.wait_for_timeout(600)
                page.screenshot(path=out / f"{name}-{state}-{width}-{scheme}.png", full_page=True)
            page.close()


def main(arguments: list[str]) -> int:
    """Take the pictures and name their files."""
    if len(arguments) != 2:
        print(__doc__)
        return 2
    from playwright.sync_api import sync_playwright

    out = Path(arguments[0])
    out.mkdir(parents=True, exist_ok=True)
    bundle = compile_bundle(read_bundle(Path(arguments[1])), [Target("c", "float32")])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with served(phone_files(bundle, quantization="float32")) as url:
            take_pictures(browser, url, "phone", out, is_sensor=False)
        with served(sensor_files()) as url:
            take_pictures(browser, url, "sensor", out, is_sensor=True)
        browser.close()
    for path in sorted(out.glob("*.png")):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
