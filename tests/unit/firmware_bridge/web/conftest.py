"""Node, which runs har.js without a page."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgehar.firmware_bridge.web import STATIC

Run = Callable[..., list[Any]]


def _run(script: str, tasks: tuple[dict[str, Any], ...]) -> Any:
    """Run a script in Node with tasks as JSON, and return its reply."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (Debian package nodejs)")
    done = subprocess.run(
        [node, str(Path(__file__).with_name(script))],
        input=json.dumps({"static": str(STATIC), "tasks": tasks}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def run_har() -> Run:
    """``run_har(task, ...)``: what har.js replies to each task, ``{"ok": ...}`` or ``{"error": sentence}``."""
    return lambda *tasks: _run("run_har.mjs", tasks)


@pytest.fixture(scope="session")
def run_wire() -> Run:
    """``run_wire(task, ...)``: what frames.js, lines.js and serial.js reply to each task."""
    return lambda *tasks: _run("run_wire.mjs", tasks)


@pytest.fixture(scope="session")
def run_training() -> Run:
    """``run_training(task, ...)``: what the modules that train reply, ``{"ok": ...}`` or ``{"error": sentence}``."""
    return lambda *tasks: _run("run_training.mjs", tasks)
