"""What has to work on Windows as well imports no module that Windows lacks; what needs a pty says so."""

import subprocess
import sys

import pytest

# One module chooses between fcntl and msvcrt by the platform; an empty fcntl shows that nothing is used of it.
HIDDEN = """
import sys, types
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("resource", "pty", "tty", "termios", "grp", "pwd"):
            raise ImportError(f"{name} is not there on this system")
sys.meta_path.insert(0, Hidden())
for name in ("resource", "pty", "tty", "termios", "grp", "pwd"):
    sys.modules.pop(name, None)
sys.modules["fcntl"] = types.ModuleType("fcntl")
"""


def run(program: str, *, given: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a program in which these modules are not there."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", HIDDEN + program],
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    "module",
    [
        "edgehar.cli",
        "edgehar.commands.live",
        "edgehar.commands.record",
        "edgehar.commands.ports",
        "edgehar.commands.bench",
        "edgehar.commands.simulate",
        "edgehar.api.live",
        "edgehar.firmware_bridge.benchmark.worker",
        "edgehar.firmware_bridge.line.opening",
        "edgehar.firmware_bridge.record.keys",
        "edgehar.models.files.writing",
    ],
)
def test_it_is_imported_without_them(module: str) -> None:
    done = run(f"import {module}")
    assert done.returncode == 0, done.stderr


def test_a_recording_works_without_them(tmp_path: object) -> None:
    lines = "".join(f"{index % 7 / 100},0.01,1.0\n" for index in range(300))
    arguments = ["har", "record", "--port", "-", "--subject", "7", "--rate", "100", "--out", f"{tmp_path}/a", "--json"]
    done = run(f"sys.argv = {arguments!r}\nfrom edgehar.cli import main\nmain()", given=lines)
    assert done.returncode == 0, done.stderr
    assert '"samples": 299' in done.stdout


def test_what_needs_a_pty_says_so() -> None:
    program = """
from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.models.errors import BridgeError
try:
    VirtualPort()
except BridgeError as error:
    print(error)
"""
    assert "needs ptys" in run(program).stdout
