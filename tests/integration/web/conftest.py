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
from edgehar.models.bundle import Bundle
from edgehar.pipeline.compilers import Target, compile_bundle

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


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
    """``compiled_bundle(name, **changes)``: a bundle with both artifacts of the C engine, its manifest changed."""

    @functools.cache
    def make(name: str, seed: int = 5) -> Bundle:
        made = random_bundle(name, seed=seed)
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
