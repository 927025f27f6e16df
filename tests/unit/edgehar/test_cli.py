"""The command line: help, wrong usage, foreseen and unforeseen failures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgehar import cli
from edgehar.models.errors import DataError, UsageError
from edgehar.models.foreign_text import printable


def run_har(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `har` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "edgehar", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "200", **environment},
        check=False,
    )


def test_help_lists_every_command() -> None:
    result = run_har("--help")
    assert result.returncode == 0, result.stderr
    for name in cli._COMMANDS:
        assert name in result.stdout


def test_every_command_has_help() -> None:
    for name in cli._COMMANDS:
        result = run_har(name, "--help")
        assert result.returncode == 0, result.stderr
        assert "Usage" in result.stdout


def test_unknown_command_is_wrong_usage() -> None:
    result = run_har("nosuch")
    assert result.returncode == 2
    assert "nosuch" in result.stderr


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (DataError("a.csv: expected x, got y", next_step="Do z."), 1, "a.csv: expected x, got y. Do z."),
        (UsageError("model: expected [a] or [b]"), 2, "model: expected [a] or [b]"),
        (ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow"), 1, "pip install 'edgehar[train]'"),
        (PermissionError(13, "Permission denied", "out"), 1, "out: Permission denied"),
        (ZeroDivisionError("oops"), 1, "a bug in edgehar (ZeroDivisionError: oops)"),
    ],
)
def test_failures_become_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: Exception, code: int, said: str
) -> None:
    def fail() -> None:
        raise raised

    monkeypatch.setattr(cli, "app", fail)
    assert cli._run() == code
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert "Traceback" not in output.err
    assert output.err.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setenv("HAR_DEBUG", "1")
    assert cli._run() == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", [r"nope\[/x]", "nope[/]", "[bold]", "a\\", "[link=x]", "\x1b]0;title\x07", "a\nb", "\udcff"]
)
def test_any_text_is_said_in_one_harmless_line(capsys: pytest.CaptureFixture[str], text: str) -> None:
    cli._say(f"{text}: expected a bundle")
    said = capsys.readouterr().err
    assert said == f"har: {printable(text)}: expected a bundle\n"
    assert said.removesuffix("\n").isprintable()


@pytest.mark.parametrize("name", [r"nope\[/x]", "[red]x[/red]", "a\x1b[31mb"])
def test_names_like_markup_end_in_a_sentence(name: str, tmp_path: Path) -> None:
    result = run_har("verify", str(tmp_path / name))
    assert result.returncode == 1
    assert "expected a bundle, found nothing" in result.stderr
    assert printable(name) in result.stderr
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr
