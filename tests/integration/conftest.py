"""What integration tests share: notebooks, run as a notebook program runs them; a Dask cluster of real processes."""

import ast
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[[Path], tuple[list[object], dict[str, Any]]]


@pytest.fixture
def run_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run every code cell of a notebook in order, in a fresh folder.

    Returns what the cells show, one value for each whose last line is an expression, and the names they leave.
    """
    import matplotlib
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    before = matplotlib.get_backend()
    plt.switch_backend("agg")

    def run(path: Path) -> tuple[list[object], dict[str, Any]]:
        names: dict[str, Any] = {"__name__": "__main__"}
        shown = []
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            place = f"{os.fspath(path)}, cell {cell['id']}"
            statements = ast.parse("".join(cell["source"]), place).body
            last = statements.pop() if isinstance(statements[-1], ast.Expr) else None
            exec(compile(ast.Module(statements, []), place, "exec"), names)
            if last is not None:
                shown.append(eval(compile(ast.Expression(last.value), place, "eval"), names))
        return shown, names

    yield run
    plt.close("all")
    plt.switch_backend(before)


@pytest.fixture(scope="module")
def dask_address() -> Iterator[str]:
    """The address of a Dask scheduler with two workers, each a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    commands = [
        ("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"),
        *[("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")] * 2,
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, *arguments in commands
    ]
    try:
        yield address
    finally:
        for process in running:
            process.kill()
            process.wait()
