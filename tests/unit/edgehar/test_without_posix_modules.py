"""What has to work on Windows as well imports no module that Windows lacks; what needs a pty says so."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# One module locks files, by fcntl or msvcrt: it is imported as on Windows, its locks are of the system that is here.
HIDDEN = """
import fcntl, os, signal, sys, types
import shutil, subprocess, tempfile
names = ("resource", "pty", "tty", "termios", "grp", "pwd", "fcntl")
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in names:
            raise ImportError(f"{name} is not there on this system")
for name in names:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hidden())
for place, absent in (
    (os, "fork forkpty openpty getuid geteuid getgid getegid getpgid killpg setsid mkfifo sched_getaffinity nice"),
    (os, "chown getloadavg fchmod O_NOFOLLOW O_DIRECTORY O_NONBLOCK O_CLOEXEC register_at_fork getpriority sysconf"),
    (signal, "pthread_sigmask SIGKILL SIGHUP SIGALRM SIGWINCH SIGUSR1 SIGQUIT SIGCHLD SIGPIPE alarm setitimer sigwait"),
):
    for name in absent.split():
        delattr(place, name)
def locking(handle, mode, count):
    try:
        fcntl.flock(handle, fcntl.LOCK_UN if mode == 0 else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(13, "Permission denied") from error
msvcrt = types.ModuleType("msvcrt")
msvcrt.locking, msvcrt.LK_UNLCK, msvcrt.LK_NBLCK = locking, 0, 2
sys.modules["msvcrt"] = msvcrt
here, sys.platform = sys.platform, "win32"
import edgehar.models.files.locking
sys.platform = here
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


def commands(*lines: list[str], given: str = "") -> list[str]:
    """Run commands of `har` one after the other in a process without these modules; return what each printed."""
    program = f"""
import contextlib, io, sys
from edgehar.cli import main
for line in {lines!r}:
    sys.argv = ["har", *line]
    said = io.StringIO()
    code = 0
    with contextlib.redirect_stdout(said):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    if code:
        sys.exit(f"har {{' '.join(line)}}: exit code {{code}}: {{said.getvalue()}}")
    print("----", said.getvalue())
"""
    done = run(program, given=given)
    assert done.returncode == 0, done.stderr[-3000:]
    return [each.strip() for each in done.stdout.split("----")[1:]]


def test_from_recordings_to_labels_without_them(tmp_path: Path, need_engine: Callable[[str], None]) -> None:
    need_engine("native")
    model, week = str(tmp_path / "model"), tmp_path / "week.csv"
    rows = [f"{index / 100:.2f},{(index % 50) / 100},0.01,1.0" for index in range(1500)]
    week.write_text("time_s,x,y,z\n" + "\n".join(rows) + "\n", encoding="utf-8")
    stream = "".join(f"{index % 50 / 100},0.01,1.0\n" for index in range(900))
    trained, compiled, judged, checked, labelled, live = commands(
        [
            "train",
            "--data",
            "synthetic",
            "--model",
            "simple_rnn",
            "--epochs",
            "1",
            "--hop",
            "800",
            "--out",
            model,
            "--json",
        ],
        ["compile", model, "--format", "tflite", "--quantization", "float16", "--json"],
        ["evaluate", model, "--data", "synthetic", "--json"],
        ["verify", model, "--json", "--engine", "native", "--engine", "numpy"],
        ["classify", model, str(week), "--unit", "g", "--hop", "100", "--out", str(tmp_path / "labels"), "--json"],
        ["live", model, "--port", "-", "--rate", "100", "--unit", "g", "--hop", "100", "--json"],
        given=stream,
    )
    assert json.loads(trained)["complete"]
    assert json.loads(compiled)
    assert json.loads(judged)["windows"] > 0
    assert json.loads(checked)["artifacts"]
    assert json.loads(labelled)["windows"] == 14
    assert json.loads(live)["windows"] >= 5


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
