"""`har phone`, as its users see it."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgehar.commands.phone import phone
from edgehar.models.architecture import LSTM, Architecture, Dense
from edgehar.models.bundle.tasks import REGRESSION
from edgehar.models.errors import BundleError, UsageError


@pytest.fixture
def path(tmp_path: Path, random_bundle) -> Path:
    """A saved bundle without artifacts."""
    random_bundle("simple_rnn").save(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_page_is_written_for_a_bundle_without_tables(path: Path, tmp_path, capsys) -> None:
    phone(path, out=tmp_path / "page", as_json=True)
    said = json.loads(capsys.readouterr().out)
    files = [file for file in (tmp_path / "page").rglob("*") if file.is_file()]
    assert said["bytes"] == sum(file.stat().st_size for file in files)
    assert {"index.html", "bundle/manifest.json", "bundle/model.float32.harc"} <= set(said["files"])


def test_neither_out_nor_serve_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="--out DIR, --serve or both"):
        phone(path)


def test_another_folder_is_refused_before_anything_is_compiled(path: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"letter\.txt|mine"):
        phone(path, out=tmp_path / "mine")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="not for this machine: it has no /proc")
def test_an_inbox_that_cannot_be_is_refused_before_anybody_records(path: Path) -> None:
    with pytest.raises(BundleError, match=r"/proc/inbox: expected a folder that can be written to.* another --inbox"):
        phone(path, serve=True, inbox=Path("/proc/inbox"), port=0)


def test_it_is_served_until_it_is_interrupted(path: Path) -> None:
    pytest.importorskip("trustme", reason="trustme is not installed: edgehar[phone]")
    pytest.importorskip("segno", reason="segno is not installed: edgehar[phone]")
    command = [
        sys.executable,
        "-u",
        "-m",
        "edgehar",
        "phone",
        str(path),
        "--serve",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        text = "".join(lines)
        assert re.search(r"https://127\.0\.0\.1:\d+/", text)
        assert "█" in text or "▀" in text, "there is a QR code"
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 130
        assert server.stderr is not None
        assert "Traceback" not in server.stderr.read()


def test_a_model_that_tells_no_activities_apart_is_refused(random_bundle, tmp_path: Path) -> None:
    numbers = Architecture("numbers", 10, 3, (LSTM("a", 4), Dense("b", 2, "linear")))
    made = random_bundle(numbers)
    replace(made, manifest=replace(made.manifest, task=REGRESSION)).save(tmp_path / "bundle")
    with pytest.raises(UsageError, match="phone"):
        phone(tmp_path / "bundle", out=tmp_path / "page")
    assert not (tmp_path / "page").exists()
