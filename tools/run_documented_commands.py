"""Run every command block of the README and the documentation, as it stands, in order, in one fresh folder.

A block says by the word after ``sh`` what is done with it:

``run``        it runs here, with bash; it must end with 0
``hardware``   it needs a board, a sensor or another machine, and says which in its first line: ``# needs a sensor``;
               every `har` in it must be a command line that `har` accepts
``install``    it installs the project; the extras it names must exist (.ci/run installs them)
``checks``     it runs the checks themselves (.ci/run does)

The blocks run unchanged. So that they take minutes, the `har` on their PATH adds what would otherwise take hours or a
download: one epoch to `har train`, 400 windows to `har evaluate`, a server on this machine to `har data fetch`.

Usage: tools/run_documented_commands.py [--list] [PAGE ...]      (HAR_DATA names the folder with usc-had)
"""

import argparse
import contextlib
import functools
import http.server
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
PAGES: Final = ("README.md", "CONTRIBUTING.md", "docs/c-engine.md", "docs/how-to/*.md", "docs/*.md", "docs/*/*.md")
KINDS: Final = ("run", "hardware", "install", "checks")
LIMIT_S: Final = 900
_BLOCK: Final = re.compile(r"^```(sh|bash|shell|console)[ \t]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHORTER: Final = {
    "train": ("--epochs", "1"),
    "evaluate": ("--windows", "400"),
}
"""What the `har` on the PATH adds to a command that does not have the option."""


@dataclass(frozen=True, slots=True)
class Block:
    """One command block of a page."""

    page: str
    line: int
    kind: str
    commands: str

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"


def blocks_of(pages: list[str]) -> list[Block]:
    """Return the blocks of the pages, in order; a page is taken once."""
    paths = dict.fromkeys(path for pattern in pages for path in sorted(REPOSITORY.glob(pattern)))
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(str(path.relative_to(REPOSITORY)), line, match[2].strip(), match[3]))
    return found


def complaint(block: Block) -> str | None:
    """Return what is wrong with a block that is looked at without running it; None if nothing is."""
    if block.kind not in KINDS:
        return f"expected one of {', '.join(KINDS)} after sh, got {block.kind!r}"
    if block.kind == "hardware" and not block.commands.startswith("# needs "):
        return "expected the first line to say what it needs: # needs ..."
    if block.kind == "install":
        unknown = extras_named(block.commands) - extras()
        return f"expected extras that exist, got {', '.join(sorted(unknown))}" if unknown else None
    for arguments in har_commands(block.commands):
        if wrong := wrong_usage(arguments):
            return f"har {shlex.join(arguments)}: {wrong}"
    return None


def extras_named(commands: str) -> set[str]:
    """Return the extras that are installed somewhere in commands: ``'.[edge,mqtt]'``."""
    return {name.strip() for found in re.findall(r"\.\[([\w, -]+)\]", commands) for name in found.split(",")}


def extras() -> set[str]:
    """Return the extras of the project."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["optional-dependencies"])


def har_commands(commands: str) -> Iterator[list[str]]:
    """Yield the arguments of every `har` in some lines of shell."""
    for line in commands.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||[|;&]", line):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:
                continue
            for place, word in enumerate(words):
                if Path(word).name == "har":
                    yield words[place + 1 :]
                    break


def wrong_usage(arguments: list[str]) -> str | None:
    """Return why `har` would refuse a command line; None if it would not. Nothing is run."""
    import click
    import typer.main

    from edgehar import cli

    command = typer.main.get_command(cli.app)
    name = "har"
    try:
        while hasattr(command, "get_command"):
            if not arguments:
                return "expected a sub-command"
            name, *arguments = arguments
            inner = command.get_command(click.Context(command, info_name="har"), name)
            if inner is None:
                return f"there is no command {name}"
            command = inner
        command.make_context(name, arguments)
    except Exception as error:
        if hasattr(error, "format_message"):
            return str(error.format_message())
        raise
    return None


def main() -> int:
    """Look at all blocks, then run those that run here; end with 1 at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", default=list(PAGES))
    parser.add_argument("--list", action="store_true", help="show every block and what is done with it")
    arguments = parser.parse_args()
    blocks = blocks_of(arguments.pages)
    wrong = [f"{block.place}: {text}" for block in blocks if (text := complaint(block)) is not None]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    if arguments.list:
        for block in blocks:
            print(f"{block.kind:9} {block.place}")
        return 0
    with tempfile.TemporaryDirectory() as folder, _usc_had_server(Path(folder)) as address:
        place = Path(folder) / "fresh"
        place.mkdir()
        environment = _environment(Path(folder), address)
        for block in blocks:
            if block.kind == "run" and not _run(block, place, environment):
                return 1
    print(f"{len(blocks)} blocks: {', '.join(f'{_count(blocks, kind)} {kind}' for kind in KINDS)}")
    return 0


def _count(blocks: list[Block], kind: str) -> int:
    """Return how many blocks are of a kind."""
    return sum(block.kind == kind for block in blocks)


def _run(block: Block, folder: Path, environment: dict[str, str]) -> bool:
    """Run one block and say how it went."""
    began_s = time.monotonic()
    print(f"\n--- {block.place}\n{block.commands}", end="", flush=True)
    log = folder.parent / "log"
    with log.open("w+b") as output:
        # Its own session: whatever it left in the background ends with it.
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", block.commands],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | str = process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            code = f"no end after {LIMIT_S} s"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait()
    print(f"--- {time.monotonic() - began_s:.0f} s", flush=True)
    if code != 0:
        print(log.read_text(encoding="utf-8", errors="replace")[-8000:], file=sys.stderr)
        print(f"{block.place}: expected exit code 0, got {code}", file=sys.stderr)
    return code == 0


def _environment(folder: Path, address: str) -> dict[str, str]:
    """Put a `har` on the PATH that makes commands short, and return the environment of the blocks."""
    programs = folder / "bin"
    programs.mkdir()
    har = programs / "har"
    har.write_text(f"#!{sys.executable} -P\n{_WRAPPER.format(shorter=_SHORTER, address=address)}", encoding="utf-8")
    har.chmod(0o755)
    # Not a link: Python would look for its environment beside the link.
    python = programs / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    path = os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "EDGEHAR_SOURCE": str(REPOSITORY)}


_WRAPPER: Final = """\
import sys
from edgehar.cli import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    for command, (option, value) in {shorter!r}.items():
        if arguments[:1] == [command] and not {{option, "--keep"}} & set(arguments):
            sys.argv += [option, value]
    if arguments[:2] == ["data", "fetch"]:
        sys.argv += ["--url", {address!r}]
    main()
"""


@contextlib.contextmanager
def _usc_had_server(folder: Path) -> Iterator[str]:
    """Serve an archive of the data set from this machine, as its authors do from theirs, and yield its address."""
    source = Path(os.environ.get("HAR_DATA") or REPOSITORY / ".." / "shared" / "datasets") / "usc-had"
    if not source.is_dir():
        raise SystemExit(f"{source}: expected the data set USC-HAD. Set HAR_DATA to the folder that holds it.")
    served = folder / "served"
    served.mkdir()
    with zipfile.ZipFile(served / "USC-HAD.zip", "w") as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                archive.write(path, Path("USC-HAD") / path.relative_to(source))
    handler = functools.partial(_QuietHandler, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/USC-HAD.zip"
        finally:
            server.shutdown()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


if __name__ == "__main__":
    sys.exit(main())
