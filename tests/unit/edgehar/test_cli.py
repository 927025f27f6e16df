"""The command line: help, completion, wrong usage, foreseen and unforeseen failures."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
from typer.testing import CliRunner

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


@pytest.mark.parametrize("name", cli._COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(cli.app, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f" {name} " in result.stdout
    assert "Usage" in result.stdout


def every_option() -> Iterator[tuple[str, Any]]:
    """Yield every option of every command, with the command's name."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        if hasattr(command, "list_commands"):
            context = click.Context(command)
            for inner in command.list_commands(context):
                yield from walk(f"{name} {inner}", command.get_command(context, inner))
        for parameter in command.params:
            if parameter.param_type_name == "option":
                yield name, parameter

    yield from walk("har", typer.main.get_command(cli.app))


ONLY_WHEN_ASKED = {
    "--account", "--activity", "--data", "--device", "--duration", "--fault", "--from-predictions", "--html",
    "--jsonl", "--link", "--metrics-from", "--mqtt", "--plots", "--port", "--program", "--python", "--reboot-every",
    "--script", "--truth", "--unplug-every",
}  # fmt: skip
"""Options without which nothing of the kind happens: they have no default to tell."""


def test_help_tells_the_default_of_every_option_that_has_one() -> None:
    silent = []
    for name, option in every_option():
        if option.is_flag or option.required or set(option.opts) & ONLY_WHEN_ASKED:
            continue
        told = f"{option.help} {getattr(option, 'rich_help_panel', '')}".lower()
        # A default that is not a value is told in words.
        in_words = isinstance(option.show_default, str)
        shown = in_words or (option.show_default and option.default not in (None, "", ()))
        detected = "does not say by itself" in told
        if not shown and not detected and "default" not in told:
            silent.append(f"{name} {option.opts[0]}: {option.help}")
    assert silent == []


def test_every_option_says_what_it_does() -> None:
    assert [f"{name} {option.opts[0]}" for name, option in every_option() if not option.help] == []


@pytest.mark.parametrize("name", [None, *cli._COMMANDS])
def test_help_has_a_short_name(name: str | None) -> None:
    arguments = ["-h"] if name is None else [name, "-h"]
    result = CliRunner().invoke(cli.app, arguments, prog_name="har")
    assert result.exit_code == 0
    assert "Usage: har" in result.stdout


@pytest.mark.parametrize(
    ("words", "found"), [("har tr", "train"), ("har train --ep", "--epochs"), ("har data in", "info")]
)
def test_a_shell_completes_commands_and_options(words: str, found: str) -> None:
    count = str(len(words.split()) - 1)
    done = run_har(_HAR_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count)
    assert found in done.stdout.split()


def test_completion_can_be_installed(tmp_path: Path) -> None:
    done = run_har("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1", HOME=str(tmp_path))
    assert "complete_bash" in done.stdout


def test_unknown_command_is_wrong_usage() -> None:
    result = run_har("nosuch")
    assert result.returncode == 2
    assert "nosuch" in result.stderr


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (DataError("a.csv: expected x, got y", next_step="Do z."), 1, "a.csv: expected x, got y. Do z."),
        (UsageError("model: expected [a] or [b]"), 2, "model: expected [a] or [b]"),
        (ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow"), 1, "[train]'."),
        (PermissionError(13, "Permission denied", "out"), 1, "out: Permission denied"),
        (ZeroDivisionError("oops"), 1, "a bug in edgehar (ZeroDivisionError: oops)"),
    ],
)
def test_failures_become_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: Exception, code: int, said: str
) -> None:
    def fail(**options: object) -> None:
        raise raised

    monkeypatch.setattr(cli, "app", fail)
    assert cli._run() == code
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert "Traceback" not in output.err
    assert output.err.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**options: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setenv("HAR_DEBUG", "1")
    assert cli._run() == 1
    assert "Traceback" in capsys.readouterr().err


def test_files_of_our_names_beside_the_user_change_nothing(tmp_path: Path) -> None:
    for name in ("models/__init__", "pipeline", "reporting", "firmware_bridge", "edgehar", "numpy", "queue"):
        trap = tmp_path / f"{name}.py"
        trap.parent.mkdir(exist_ok=True)
        trap.write_text("raise SystemExit('imported from the current folder')\n")
    har = Path(sys.executable).with_name("har")
    for arguments in (["--version"], ["data", "info", "synthetic", "--json"]):
        done = subprocess.run([har, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


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
