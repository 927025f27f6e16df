"""The command `har`: composes the sub-commands, imports each one when it is used, turns errors into sentences."""

import importlib
import logging
import os
import sys
import traceback
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from edgehar.commands.terminal_text import escape
from edgehar.models import __version__
from edgehar.models.errors import HarError
from edgehar.models.installation import missing_package

_COMMANDS: Final = {
    "demo": "edgehar.commands.demo:demo",
    "start": "edgehar.commands.start:start",
    "data": "edgehar.commands.data:app",
    "train": "edgehar.commands.train:train",
    "import": "edgehar.commands.import_model:import_model",
    "evaluate": "edgehar.commands.evaluate:evaluate",
    "compile": "edgehar.commands.compile:compile_bundle",
    "verify": "edgehar.commands.verify:verify",
    "inspect": "edgehar.commands.inspect:inspect",
    "bench": "edgehar.commands.bench:bench",
    "search": "edgehar.commands.search:search",
    "tune": "edgehar.commands.tune:tune",
    "personalize": "edgehar.commands.personalize:personalize",
    "classify": "edgehar.commands.classify:classify",
    "report": "edgehar.commands.report:report",
    "ports": "edgehar.commands.ports:ports",
    "simulate": "edgehar.commands.simulate:simulate",
    "live": "edgehar.commands.live:live",
    "dashboard": "edgehar.commands.dashboard:dashboard",
    "record": "edgehar.commands.record:record",
    "firmware": "edgehar.commands.firmware:firmware",
    "phone": "edgehar.commands.phone:phone",
    "deploy": "edgehar.commands.deploy:app",
}
"""Every sub-command, in the order of a user's first day, and where it lives."""

INTERRUPTED: Final = 130

_LONGEST: Final = 4000
"""Characters of one sentence on stderr."""


class _LazyGroup(TyperGroup):
    """A group that knows its sub-commands by name and imports one when it is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the names, in the table's order."""
        return list(_COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Import and return one sub-command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        found: Any = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(found)
            found = single
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the sub-command; an interruption that it did not handle ends with its own exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _say("interrupted")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Sub-commands inherit the names of the option.
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(f"edgehar {__version__}")
        raise typer.Exit


@app.callback()
def har(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens to stderr.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Activity recognition for accelerometers: train on a laptop, deploy anywhere, classify live from a serial line.

    Start with `har demo`. Results go to stdout (`--json` for machines), progress to stderr.
    `har --install-completion` makes your shell complete commands and options.
    Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(name)s: %(message)s", stream=sys.stderr
    )


def main() -> NoReturn:
    """Run `har` and end with its exit code; every foreseen failure is one sentence on stderr."""
    sys.exit(_run())


def _run() -> int:
    """Run the command line and return the exit code; wrong usage ends inside typer with its own message and code 2."""
    try:
        app(prog_name="har")
    except HarError as error:
        _say(str(error))
        return error.exit_code
    except ModuleNotFoundError as error:
        return _missing_package(error)
    except BrokenPipeError:
        # The reader of our output went away, as `har ... | head` does: not our failure, and nothing left to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _say(f"{error.filename or 'system'}: {error.strerror or error}")
        return 1
    except Exception:
        return _internal_error()
    return 0


def _missing_package(error: ModuleNotFoundError) -> int:
    """Name the extra that installs what a command misses."""
    advice = missing_package(error, needed_by="this command")
    if advice is None:
        return _internal_error()
    _say(advice)
    return 1


def _internal_error() -> int:
    """Own up to a bug: say so, and keep the traceback for those who ask."""
    if os.environ.get("HAR_DEBUG"):
        traceback.print_exc()
    error = sys.exc_info()[1]
    _say(f"internal error, a bug in edgehar ({type(error).__name__}: {error}). Set HAR_DEBUG=1 for the details.")
    return 1


def _say(sentence: str) -> None:
    """Print one sentence on stderr, as `har: ...`."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]har:[/] {escape(sentence, _LONGEST)}")


if __name__ == "__main__":
    main()
