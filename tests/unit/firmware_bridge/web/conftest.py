"""Node, which runs har.js without a page."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgehar.firmware_bridge.web import STATIC

RunHar = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def run_har() -> RunHar:
    """``run_har(task, ...)``: what har.js replies to each task, ``{"ok": ...}`` or ``{"error": sentence}``."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (Debian package nodejs)")
    script = Path(__file__).with_name("run_har.mjs")

    def run(*tasks: dict[str, Any]) -> list[dict[str, Any]]:
        done = subprocess.run(
            [node, str(script)],
            input=json.dumps({"static": str(STATIC), "tasks": tasks}),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
