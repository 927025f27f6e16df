"""A writer that is killed at any moment leaves the old folder or the new one for readers, and no rubbish for long.

A child process forks a writer for each step, which kills itself at that step: Python tells an audit hook of every
operation on files before it happens.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgehar.models.files import atomic_folder, atomic_path, settled

WRITER = """
import json, os, signal, sys
from pathlib import Path
from edgehar.models.files import atomic_folder, atomic_path, writing

kind, place, in_one_step = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "True"
if not in_one_step:
    writing.exchange = lambda left, right: False
WATCHED = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.scandir", "os.listdir"}


def write(target):
    if kind == "file":
        with atomic_path(target) as temporary:
            temporary.write_text("new")
    else:
        with atomic_folder(target) as temporary:
            for name in ("a", "b"):
                (temporary / name).write_text("new")


def killed_at(step, target):
    pid = os.fork()
    if pid == 0:
        seen = 0

        def hook(event, arguments):
            nonlocal seen
            if event in WATCHED and str(target.parent) in str(arguments[0]) or event == "fsync":
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        flush = os.fsync

        def fsync(handle):
            sys.audit("fsync", str(target))
            flush(handle)

        os.fsync = fsync
        try:
            write(target)
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


step = 1
while True:
    target = place / str(step) / "target"
    target.parent.mkdir()
    if kind == "file":
        target.write_text("old")
    else:
        target.mkdir()
        for name in ("a", "b"):
            (target / name).write_text("old")
    if not killed_at(step, target):
        break
    step += 1
print(json.dumps(step))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize(("kind", "in_one_step"), [("file", True), ("folder", True), ("folder", False)])
def test_a_reader_finds_the_old_or_the_new_one(tmp_path: Path, kind: str, in_one_step: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WRITER, kind, str(tmp_path), str(in_one_step)],
        capture_output=True,
        text=True,
        check=True,
    )
    steps = json.loads(done.stdout)
    assert steps > (8 if kind == "file" else 18)
    seen = set()
    for step in range(1, steps):
        target = tmp_path / str(step) / "target"
        found = settled(target)
        contents = [found.read_text()] if kind == "file" else [(found / name).read_text() for name in ("a", "b")]
        assert contents in (["old"] * len(contents), ["new"] * len(contents)), f"killed at step {step}"
        seen.update(contents)
        _write_again(kind, target)
        assert [path.name for path in target.parent.iterdir()] == ["target"], f"rubbish after step {step}"
    assert seen == {"old", "new"}


def _write_again(kind: str, target: Path) -> None:
    """Write as the next run does."""
    if kind == "file":
        with atomic_path(target) as temporary:
            temporary.write_text("newer")
    else:
        with atomic_folder(target) as temporary:
            (temporary / "a").write_text("newer")
