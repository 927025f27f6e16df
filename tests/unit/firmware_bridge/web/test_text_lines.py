"""Lines of sketches in the page: what Python's table of formats writes is read right, or is a question; never wrong."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest


def _load(place: Path) -> ModuleType:
    """Return the table of formats, which lies beside other tests."""
    spec = spec_from_file_location("sketches_of_the_page", place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} is no module")
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sketches = _load(Path(__file__).parents[1] / "text" / "sketches.py")
LEAST_UNDERSTOOD = 65
"""Of the table's formats; the others are asked about."""


def reads_of(text: list[str], encoding: str = "latin-1") -> list[dict[str, Any]]:
    """Return lines as they arrive at 100 Hz."""
    return [{"t_s": index / 100, "hex": line.encode(encoding).hex()} for index, line in enumerate(text)]


def wrong_samples(found: list[list[float]], tolerance_g: float) -> int:
    """Return how many samples are none of those that were written, in their order; the first may be any of them."""
    wrong, at = 0, 0
    for sample in found:
        ahead = sketches.ACC_G[at : at + 30] if at else sketches.ACC_G
        near = np.flatnonzero((np.abs(ahead - sample) <= 1.01 * tolerance_g + 1e-6).all(axis=1))
        at, wrong = (at + int(near[0]) + 1, wrong) if len(near) else (at, wrong + 1)
    return wrong


def test_no_format_is_understood_wrongly(run_wire) -> None:
    rows = list(sketches.rows())
    cases = [
        {"kind": "read", "reads": reads_of([each.write(row) for row in rows], each.encoding)}
        for each in sketches.SKETCHES
    ]
    understood = 0
    for sketch, reply in zip(sketches.SKETCHES, run_wire(*cases), strict=True):
        found = [each["sample"] for each in reply["samples"]]
        if not found:
            assert reply["problem"], sketch.name
            continue
        assert wrong_samples(found, sketch.tolerance_g) <= 0.02 * len(found), sketch.name
        understood += 1
    assert understood >= LEAST_UNDERSTOOD


@pytest.mark.parametrize(
    ("line", "expected_g"),
    [
        ("AcX = 8192 | AcY = -4096 | AcZ = 12288 | Tmp = 26.53 | GyX = 1 | GyY = 2 | GyZ = 3", (0.5, -0.25, 0.75)),
        ("ax:0.5 ay:-0.25 az:0.75", (0.5, -0.25, 0.75)),
        ("Acceleration X: 4.903325, Y: -2.4516625, Z: 7.3549875 m/s^2 Rotation X: 1, Y: 2, Z: 3", (0.5, -0.25, 0.75)),
        ('{"ax":0.5,"ay":-0.25,"az":0.75,"gx":9}', (0.5, -0.25, 0.75)),
        ("X: 500 mg Y: -250 mg Z: 750 mg", (0.5, -0.25, 0.75)),
    ],
)
def test_names_before_numbers(run_wire, line: str, expected_g: tuple[float, ...]) -> None:
    (reply,) = run_wire({"kind": "read", "reads": reads_of([f"{line}\n"] * 300)})
    assert reply["problem"] == ""
    np.testing.assert_allclose(reply["samples"][0]["sample"], expected_g, atol=1e-6)


@pytest.mark.parametrize(
    "line",
    [
        "linear acceleration x:0.5 y:0.1 z:0.9",
        "gx:0.5 gy:0.1 gz:0.9",
        "ax:0.5 ay:0.1",
        "ax:0.5 ay:0.1 az:0.9 ax:0.1 ay:0.5 az:0.9",
        "ax:0.5 g ay:9.8 m/s2 az:0.9 g",
        "roll x 1 pitch y 2 yaw z 3",
    ],
)
def test_what_is_not_surely_acceleration_is_none(run_wire, line: str) -> None:
    (reply,) = run_wire({"kind": "read", "reads": reads_of([f"{line}\n"] * 300)})
    assert reply["samples"] == []
    assert reply["problem"]


def test_one_answer_names_the_numbers(run_wire) -> None:
    lines = [f"{index},0.5,-0.25,0.75,26.5\n" for index in range(400)]
    asked, answered = run_wire(
        {"kind": "read", "reads": reads_of(lines)}, {"kind": "read", "reads": reads_of(lines), "axes": [1, 2, 3]}
    )
    assert (asked["samples"], asked["asks"]) == ([], 5)
    assert answered["asks"] == 0
    np.testing.assert_allclose(answered["samples"][0]["sample"], (0.5, -0.25, 0.75), atol=1e-6)
