"""One writer at a time: in this program, in others, and after one was killed."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgehar.models.errors import HarError
from edgehar.models.files import locking
from edgehar.models.files.locking import locked

HOLDER = """
import sys, time
from pathlib import Path
from edgehar.models.files.locking import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "target")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_lock_that_another_process_holds_is_waited_for(tmp_path, holder):
    busy = locked(tmp_path / "target", patience_s=0.1)
    with pytest.raises(HarError, match="another process is writing it") as caught, busy:
        raise AssertionError("two held it")
    assert "run this again" in str(caught.value)
    threading.Timer(0.2, holder.stdin.close).start()
    with locked(tmp_path / "target") as known:
        assert known
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_holds_nothing(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path / "target", patience_s=5.0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_threads_take_turns(tmp_path):
    inside, most, count = 0, 0, 0

    def work():
        nonlocal inside, most, count
        for _ in range(20):
            with locked(tmp_path / "target"):
                inside += 1
                most = max(most, inside)
                count += 1
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, count) == (1, 120)


def test_targets_do_not_wait_for_each_other(tmp_path, holder):
    with locked(tmp_path / "another", patience_s=0.1) as known:
        assert known


def test_the_lock_of_a_removed_file_is_none(tmp_path, monkeypatch):
    """Between opening and locking, the holder before may have removed the file, and a third one made it anew."""
    file, real, tries = tmp_path / ".target.lock", locking._try_lock, []

    def removed_meanwhile(handle):
        tries.append(handle)
        if len(tries) == 1:
            file.unlink()
            file.touch()
        return real(handle)

    monkeypatch.setattr(locking, "_try_lock", removed_meanwhile)
    with locked(tmp_path / "target"):
        assert len(tries) == 2


def test_a_file_system_without_locks_is_said_and_nothing_is_swept(tmp_path, monkeypatch, caplog):
    def refuse(handle):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locking, "_try_lock", refuse)
    with locked(tmp_path / "target") as known:
        assert not known
    assert "knows no locks" in caplog.text


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / ".target.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"), locked(Path(tmp_path / "target")):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_another_refusal_of_the_system_is_passed_on_and_nothing_stays_open(tmp_path, monkeypatch):
    asked = []

    def refuse(handle):
        asked.append(handle)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(locking, "_try_lock", refuse)
    with pytest.raises(OSError, match="Input/output error"), locked(tmp_path / "target"):
        pass
    assert len(asked) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(asked[0])
