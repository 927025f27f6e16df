"""Another computer over ssh, with programs that stand for ssh and scp."""

import os
from pathlib import Path

import pytest

from edgehar.firmware_bridge.deployment.remote import RemoteMachine
from edgehar.models.errors import BridgeError, UsageError

_SSH = """#!/bin/sh
echo "ssh $*" >>"$LOG"
case "$*" in
*mktemp*) echo /tmp/edgehar.x ;;
*struct*) echo '%s' ;;
esac
exit %d
"""


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str = "", code: int = 0) -> Path:
    """Put an ssh and an scp on the PATH that write down how they were called."""
    log = folder / "log"
    for name, text in (("ssh", _SSH % (answer, code)), ("scp", '#!/bin/sh\necho "scp $*" >>"$LOG"\n')):
        path = folder / name
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(log))
    return log


@pytest.mark.parametrize(
    ("answer", "processor", "python"),
    [('["aarch64", 64, "3.11"]', "aarch64", "3.11"), ('["aarch64", 32, "3.11"]', "armv7l", "3.11")],
)
def test_it_says_what_it_is(
    answer: str, processor: str, python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path, monkeypatch, answer)
    machine = RemoteMachine("pi@pi").identify()
    assert (machine.processor, machine.pythons) == (processor, (python,))


def test_a_folder_is_copied_installed_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = programs(tmp_path, monkeypatch)
    RemoteMachine("pi@pi").install(Path("made"))
    calls = log.read_text().splitlines()
    assert calls[1:] == [
        "scp -q -r made/. pi@pi:/tmp/edgehar.x",
        "ssh -o ConnectTimeout=10 -t pi@pi sudo sh /tmp/edgehar.x/install.sh",
        "ssh -o ConnectTimeout=10 pi@pi rm -rf /tmp/edgehar.x",
    ]


def test_what_does_not_answer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, code=255)
    with pytest.raises(BridgeError, match="pi: could not be reached"):
        RemoteMachine("pi").identify()
    programs(tmp_path, monkeypatch, answer="Welcome!")
    with pytest.raises(BridgeError, match="expected its Python to say"):
        RemoteMachine("pi").identify()


@pytest.mark.parametrize("host", ["", "-oProxyCommand=x", "pi raspberry", "pi\nx"])
def test_a_name_that_ssh_would_read_otherwise_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match=r"USER@\]HOST"):
        RemoteMachine(host)
