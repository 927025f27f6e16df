"""An import that is killed, terminated or interrupted: no half store, nothing of what was there is lost, it goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edgehar.commands.data import app
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.importing import collection
from edgehar.pipeline.data.importing.journal import journal_folder
from edgehar.pipeline.data.store import load_store

RUNNER = CliRunner()
FILES = 6
READ = 4

# The import of some files, which then waits to be killed.
WAITS = f"""
import sys, time
from edgehar.__main__ import main
from edgehar.pipeline.data.importing import collection, journal

journal._EVERY_S = journal._REST = 0.0
read_table, calls = collection.read_table, []

def waiting(*given, **named):
    calls.append(given)
    if len(calls) > {READ}:
        print("waits", flush=True)
        time.sleep(600)
    return read_table(*given, **named)

collection.read_table = waiting
sys.argv = ["har", "data", "import", *sys.argv[1:]]
main()
"""


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder of tables, one of them labelled, one of them with restarts."""
    folder = tmp_path / "walks"
    folder.mkdir()
    for number in range(FILES):
        rows = [f"{row * 0.02:.2f},0.0{row % 7},0.98,{number / 100},{'ab'[row // 100]}" for row in range(200)]
        if number == 1:
            rows[120:] = [f"{row * 0.02:.2f},0.1,0.97,0,a" for row in range(80)]
        (folder / f"walk_{number}.csv").write_text("\n".join(["time,x,y,z,label", *rows]) + "\n")
    return folder


def interrupted(number: int, *arguments: object) -> tuple[int, str]:
    """Import until some files are read, send a signal, and return the exit code and what was said."""
    command = [sys.executable, "-c", WAITS, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "waits\n", process.stderr.read()
        process.send_signal(number)
        return process.wait(), process.stderr.read()


def read_again(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> tuple[list[str], Any]:
    """Import in this process, and return the files that were read and the result."""
    read: list[str] = []
    read_table = collection.read_table

    def noted(source: Any, *given: Any, **named: Any) -> Any:
        read.append(source.inner)
        return read_table(source, *given, **named)

    monkeypatch.setattr(collection, "read_table", noted)
    result = RUNNER.invoke(app, ["import", *map(str, arguments)])
    return read, result


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_same_command_goes_on(
    tmp_path: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    assert RUNNER.invoke(app, ["import", str(recordings), "--out", str(tmp_path / "whole")]).exit_code == 0
    out = tmp_path / "store"
    code, said = interrupted(number, recordings, "--out", out)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    assert "Traceback" not in said
    assert ("is kept in" in said) == (number != signal.SIGKILL)
    assert not out.exists()
    os.utime(recordings / "walk_2.csv", (1, 1))
    read, result = read_again(monkeypatch, recordings, "--out", out, "--resume")
    assert result.exit_code == 0
    assert read == ["walk_2.csv", "walk_4.csv", "walk_5.csv"]
    assert f"{READ} files were read before" in result.stderr
    whole, gone_on = load_store(tmp_path / "whole"), load_store(out)
    assert gone_on.content_hash == whole.content_hash
    assert gone_on.notes == whole.notes
    assert gone_on.all_problems == whole.all_problems
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_store_that_was_there_stays_until_the_import_is_done(tmp_path: Path, recordings: Path) -> None:
    out = tmp_path / "store"
    assert RUNNER.invoke(app, ["import", str(recordings / "walk_0.csv"), "--out", str(out)]).exit_code == 0
    before = load_store(out).content_hash
    interrupted(signal.SIGKILL, recordings, "--out", out)
    assert load_store(out).content_hash == before
    assert RUNNER.invoke(app, ["import", str(recordings), "--out", str(out)]).exit_code == 0
    assert len(load_store(out).recordings) == FILES + 1
    assert not journal_folder(out).exists()


def test_other_options_start_over_or_are_refused(
    tmp_path: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "store"
    interrupted(signal.SIGKILL, recordings, "--out", out)
    result = RUNNER.invoke(app, ["import", str(recordings), "--out", str(out), "--unit", "g", "--resume"])
    assert isinstance(result.exception, UsageError)
    assert "--unit was None, is g" in str(result.exception)
    mistaken = RUNNER.invoke(app, ["import", str(recordings), "--out", str(out), "--profile", "none-such"])
    assert isinstance(mistaken.exception, UsageError)
    assert journal_folder(out).is_dir()
    read, result = read_again(monkeypatch, recordings, "--out", out, "--unit", "g")
    assert len(read) == FILES
    assert "starts over" in result.stderr
    assert not journal_folder(out).exists()


def test_nothing_to_go_on_with_and_nothing_of_others_is_touched(tmp_path: Path, recordings: Path) -> None:
    out = tmp_path / "new" / "store"
    result = RUNNER.invoke(app, ["import", str(recordings), "--out", str(out), "--resume"])
    assert isinstance(result.exception, UsageError)
    assert "found none" in str(result.exception)
    assert not out.parent.exists()
    folder = journal_folder(tmp_path / "store")
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    result = RUNNER.invoke(app, ["import", str(recordings), "--out", str(tmp_path / "store")])
    assert isinstance(result.exception, UsageError)
    assert (folder / "mine.txt").read_text() == "mine"


def test_a_journal_that_was_cut_is_used_up_to_there(
    tmp_path: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "store"
    interrupted(signal.SIGKILL, recordings, "--out", out)
    lines = journal_folder(out) / "journal.jsonl"
    lines.write_bytes(lines.read_bytes()[:-20])
    read, result = read_again(monkeypatch, recordings, "--out", out)
    assert result.exit_code == 0
    assert read == ["walk_3.csv", "walk_4.csv", "walk_5.csv"]
    assert len(load_store(out).recordings) == FILES + 1
