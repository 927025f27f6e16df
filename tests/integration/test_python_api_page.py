"""The examples of docs/python-api.md, and the cells of the notebook, run as they stand, in order, in a fresh folder."""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import edgehar
from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort
from edgehar.pipeline.data.synthetic import synthetic_dataset

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "from-recordings-to-labels.ipynb"
PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"
PORT = "/dev/ttyUSB0"
KEPT = {"Walking Forward", "Running Forward", "Sitting", "Sleeping"}


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def walks(tmp_path: Path) -> Path:
    """Some synthetic people as the CSV file the page speaks of."""
    path = tmp_path / "walks.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("x,y,z,activity,subject\n")
        for recording in synthetic_dataset(seed=1).recordings:
            activity = recording.labels[0].activity
            if recording.subject in {"1", "2", "3", "4"} and activity in KEPT:
                for x, y, z in recording.samples[:1200] * 9.80665:
                    file.write(f"{x:.4f},{y:.4f},{z:.4f},{activity},{recording.subject}\n")
    return path


@pytest.fixture
def sensor(tmp_path: Path) -> Iterator[str]:
    """A port on which somebody sits, ten times faster than real time."""
    port = VirtualPort(tmp_path / "sensor")
    stop = threading.Event()

    def send() -> None:
        generator = np.random.default_rng(0)
        while not stop.is_set():
            for x, y, z in generator.normal((0.0, 0.0, 1.0), 0.01, size=(20, 3)):
                port.send(b"%.4f,%.4f,%.4f\n" % (x, y, z), timeout_s=0.1)
            time.sleep(0.02)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    yield str(tmp_path / "sensor")
    stop.set()
    thread.join(20)
    port.close()


@pytest.mark.filterwarnings("ignore")
def test_the_page_runs(
    walks: Path, sensor: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(walks.parent)
    names: dict[str, object] = {}
    for example in examples():
        exec(compile(example.replace(PORT, sensor), os.fspath(PAGE), "exec"), names)
    said = capsys.readouterr().out
    assert "<Dataset 'walks': 4 recordings of 4 people, 4 activities" in said
    assert "never seen in training" in said
    assert re.search(r"s: (Walking Forward|Running Forward|Sitting|Sleeping|unknown) \(\d+%\)", said)
    assert "nothing-here: expected" in said
    assert (walks.parent / "confusion.png").stat().st_size > 5000


def test_the_page_shows_every_public_name() -> None:
    page = PAGE.read_text(encoding="utf-8")
    # Classes are met as what functions return.
    functions = [name for name in edgehar.__all__ if name[0].islower()]
    assert [name for name in functions if f"edgehar.{name}" not in page] == []


@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs(run_notebook: Callable) -> None:
    shown, names = run_notebook(NOTEBOOK)
    assert sum(hasattr(value, "_repr_png_") for value in shown) == 4
    assert all(value in names["bundle"].manifest.labels for value in shown[-1])


def test_the_notebook_keeps_no_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)
