"""A real browser, and a plain server for it that can be stopped."""

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgehar.firmware_bridge.web.phone_folder import phone_files, write_phone_folder
from edgehar.models.architecture import named_architecture
from edgehar.models.bundle import Bundle
from edgehar.pipeline.compilers import Target, compile_bundle

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    # A name that is not localhost: browsers take pages over plain HTTP from there as insecure.
    "--host-resolver-rules=MAP plain.test 127.0.0.1",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: edgehar[browser]")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed (Debian package chromium)")
    with playwright.sync_playwright() as runner:
        started = runner.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield started
        finally:
            started.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _serve(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def serve() -> Callable[[Path], AbstractContextManager[str]]:
    """``with serve(folder) as url``: a plain HTTP server on loopback, where browsers take pages as secure."""
    return _serve


@pytest.fixture(scope="session")
def compiled_bundle(random_bundle) -> Callable[..., Bundle]:
    """``compiled_bundle(name, **changes)``: a bundle with both artifacts of the C engine, its manifest changed.

    A name that ends in `SIX`, such as ``lstm-6``, is that of a model of six channels.
    """

    @functools.cache
    def make(name: str, seed: int = 5) -> Bundle:
        six = name.endswith(SIX)
        made = random_bundle(named_architecture(name.removesuffix(SIX), channels=6) if six else name, seed=seed)
        return compile_bundle(made, [Target("c", "float32"), Target("c", "int8")], calibration=made.golden["windows"])

    def changed(name: str, **changes: Any) -> Bundle:
        made = make(name)
        return replace(made, manifest=replace(made.manifest, **changes)) if changes else made

    return changed


@pytest.fixture
def phone_folder(tmp_path: Path, compiled_bundle) -> Callable[..., Path]:
    """``phone_folder(name, quantization=..., **changes)``: a folder as `har phone` writes it."""

    def make(name: str = "simple_rnn", *, quantization: str = "float32", **changes: Any) -> Path:
        folder = tmp_path / f"page-{name}-{quantization}"
        write_phone_folder(phone_files(compiled_bundle(name, **changes), quantization=quantization), folder)
        return folder

    return make


SIX = "-6"


def _is_complaint(said: Any) -> bool:
    """Tell whether the console holds an error of the page; that a file is not there the page itself must say."""
    return said.type == "error" and "Failed to load resource" not in said.text


@pytest.fixture
def open_page(browser, serve) -> Iterator[Callable[..., Any]]:
    """``open_page(folder, script=..., **options)``: the page, loaded; what it complains about fails the test."""
    with contextlib.ExitStack() as ending:
        complaints: list[str] = []

        def opened(folder: Path, *, script: str = "", **options: Any) -> Any:
            url = ending.enter_context(serve(folder))
            context = browser.new_context(**options)
            ending.callback(context.close)
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said) else None)
            if script:
                page.add_init_script(script)
            page.goto(url)
            page.evaluate("har.ready")
            return page

        yield opened
    assert complaints == []


# Motion as a phone reports it, at the times that the test says.
REPLAY = """
window.replay = (samples, timesMs) => samples.forEach(([x, y, z, ...rate], index) => {
  const [alpha, beta, gamma] = rate;
  const rotationRate = rate.length ? { alpha, beta, gamma } : undefined;
  const reading = { accelerationIncludingGravity: { x, y, z }, rotationRate, interval: 16 };
  const event = new DeviceMotionEvent("devicemotion", reading);
  Object.defineProperty(event, "timeStamp", { value: timesMs[index] });
  window.dispatchEvent(event);
});
// The machine of the tests has no sensor, and the browser says so by one empty reading; a phone has one.
window.hasSensor = false;
window.addEventListener("devicemotion", (event) => {
  if (event.isTrusted && window.hasSensor) event.stopImmediatePropagation();
}, { capture: true });
window.found = [];
document.addEventListener("har-label", ({ detail }) => window.found.push({
  label: detail.label, endS: detail.endS, probability: detail.probability,
  probabilities: Array.from(detail.probabilities), samples: Array.from(detail.samples),
}));
"""


@pytest.fixture(scope="session")
def replay_script() -> str:
    """A script that gives a page ``replay(samples, timesMs)``, and keeps what it finds in ``found``."""
    return REPLAY
