"""Lines of sketches in the page: understood, asked about and accounted for as the host does."""

import importlib
import importlib.util
import json
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edgehar.models.sensing.names import read_name
from edgehar.models.sensing.roles import INDEX, TIME, role_of
from edgehar.models.sensing.unit_names import unit_at_start

ROOM = Path(__file__).parents[1] / "text"
GOLDEN = json.loads((Path(__file__).parents[3] / "golden" / "text-lines.json").read_text(encoding="utf-8"))


def _load(*names: str) -> list[ModuleType]:
    """Return modules of the folder that has the table of formats."""
    package = "formats_of_the_page"
    spec = importlib.util.spec_from_file_location(package, ROOM / "__init__.py", submodule_search_locations=[str(ROOM)])
    if spec is None:
        raise ImportError(f"{ROOM} is no package")
    sys.modules[package] = importlib.util.module_from_spec(spec)
    return [importlib.import_module(f"{package}.{name}") for name in names]


sketches, others = _load("sketches", "other_streams")
STREAMS: dict[str, list[bytes]] = {each.name: each.lines() for each in sketches.SKETCHES}
STREAMS |= {**others.damaged(), **others.two_sensors()}


def reads_of(lines: list[bytes], rate_hz: float = 100.0) -> list[dict[str, Any]]:
    """Return lines as they arrive."""
    return [{"t_s": index / rate_hz, "hex": line.hex()} for index, line in enumerate(lines)]


def in_pieces(lines: list[bytes], rng: random.Random) -> list[dict[str, Any]]:
    """Return the same bytes cut anywhere."""
    data, reads, at = b"".join(lines), [], 0
    while at < len(data):
        size = rng.randrange(8, 200)
        reads.append({"t_s": at / len(data) * len(lines) / 100, "hex": data[at : at + size].hex()})
        at += size
    return reads


def assert_golden(name: str, reply: dict[str, Any]) -> None:
    """Hold what the page has understood to what the host does."""
    expected = GOLDEN[name]
    if "asks" in expected:
        assert (reply["doubt"], reply["samples"]) == (expected["asks"], []), name
        assert reply["problem"], name
        return
    found = np.array(reply["samples"])
    assert (reply["layout"], reply["unit"], reply["lost"]) == tuple(
        expected[key] for key in ("layout", "unit", "lost")
    ), name
    assert (reply["doubt"], len(found)) == ("", expected["samples"]), name
    np.testing.assert_allclose(found.sum(axis=0), expected["sums_g"], atol=2e-3, err_msg=name)
    np.testing.assert_allclose(found[-1], expected["last_g"], atol=1e-4, err_msg=name)
    assert bool(reply["gravity"]) == expected["is_doubted"], name


def test_the_page_understands_what_the_host_understands(run_wire) -> None:
    assert set(STREAMS) == set(GOLDEN)
    replies = run_wire(*({"kind": "lines", "reads": reads_of(lines)} for lines in STREAMS.values()))
    for name, reply in zip(STREAMS, replies, strict=True):
        assert_golden(name, reply)


def test_it_does_not_matter_how_bytes_are_cut(run_wire) -> None:
    names = random.Random(3).sample(sorted(STREAMS), 20)
    tasks = ({"kind": "lines", "reads": in_pieces(STREAMS[name], random.Random(name))} for name in names)
    for name, reply in zip(names, run_wire(*tasks), strict=True):
        assert_golden(name, reply)


def test_names_are_read_as_python_reads_them(run_wire) -> None:
    words = ROOM.joinpath("sketches.py").read_text(encoding="utf-8")
    rng = random.Random(4)
    sensors = [
        "a",
        "acc",
        "Accel",
        "aceleracion",
        "Beschleunigung",
        "lin",
        "user",
        "gravity",
        "g",
        "gyro",
        "w",
        "m",
        "q",
        "\u52a0\u901f\u5ea6",
        "\uc790\uc774\ub85c",
    ]
    more = [
        "temp",
        "total",
        "left",
        "1",
        "id",
        "t",
        "time",
        "ts",
        "ms",
        "us",
        "count",
        "seq",
        "label",
        "without",
        "incl",
    ]
    units = [
        "",
        " (g)",
        " [m/s^2]",
        "_mg",
        " m/s2",
        " (deg/s)",
        " [\u00b5T]",
        "(m/s\u00b2)",
        " (m/s\u00c2\u00b2)",
        " dps",
        "_us",
        " (ms)",
        " (cm/s^2)",
        "_gal",
        " ft/s\u00b2",
        " [mm/sec^2]",
        " (m\u00b7s\u207b\u00b2)",
        "Axis",
        "\u8f74",
    ]
    axes = ["x", "y", "z", "w", "X", "Y", "Z", ""]
    marks = ["", "_", " ", ".", "-"]
    made = [
        mark.join(rng.sample([rng.choice(sensors), rng.choice(axes), *rng.sample(more, rng.randrange(2))], k=2))
        + rng.choice(units)
        for mark in marks
        for _ in range(400)
    ]
    names = list(dict.fromkeys([*made, *words.split(), *sensors, *more, *(f" {unit} Y: " for unit in units)]))
    (found,) = run_wire({"kind": "names", "names": names})
    for name, (said, role, unit) in zip(names, found, strict=True):
        python = read_name(name)
        assert said == {"sensor": python.sensor, "axis": python.axis, "unit": python.unit, "rest": list(python.rest)}, (
            name
        )
        named = role_of(name)
        is_used = named.role in (TIME, INDEX)
        assert (role["role"], role.get("unit")) == (named.role if is_used else "", named.time_unit), name
        assert tuple(unit) == unit_at_start(name), name


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
    (reply,) = run_wire({"kind": "read", "reads": reads_of([f"{line}\n".encode()] * 420)})
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
    (reply,) = run_wire({"kind": "read", "reads": reads_of([f"{line}\n".encode()] * 420)})
    assert reply["samples"] == []
    assert reply["problem"]


def test_one_answer_names_the_numbers(run_wire) -> None:
    lines = STREAMS["acceleration twice, unnamed"]
    asked, answered = run_wire(
        {"kind": "read", "reads": reads_of(lines)}, {"kind": "read", "reads": reads_of(lines), "axes": [4, 5, 6]}
    )
    assert (asked["samples"], asked["asks"]) == ([], 7)
    assert any(line.decode().strip() in asked["problem"] for line in lines)
    assert (answered["asks"], answered["problem"]) == (0, "")
    found = np.array([each["sample"] for each in answered["samples"]])
    np.testing.assert_allclose(found, sketches.ACC_G[1:], atol=0.002)


def test_one_of_two_sensors_is_an_answer(run_wire) -> None:
    lines = STREAMS["two sensors: names in one line"]
    asked, answered = run_wire(
        {"kind": "read", "reads": reads_of(lines)}, {"kind": "read", "reads": reads_of(lines), "axes": [3, 4, 5]}
    )
    assert asked["asks"] == 6
    found = np.array([each["sample"] for each in answered["samples"]])
    np.testing.assert_allclose(found, others.RIGHT[-len(found) :], atol=0.002)


def test_what_was_asked_once_is_not_guessed_later_but_a_header_answers(run_wire) -> None:
    """Looked at for long enough, some columns fit gravity by chance."""
    lines = STREAMS["acceleration twice, unnamed"][:420]
    header = b"temp,gx,gy,gz,ax,ay,az\r\n"
    asked, answered = run_wire(
        {"kind": "lines", "reads": reads_of(lines * 5)}, {"kind": "lines", "reads": reads_of([*lines, header, *lines])}
    )
    assert (asked["doubt"], asked["samples"]) == ("columns", [])
    assert (answered["doubt"], answered["problem"]) == ("", "")
    assert len(answered["samples"]) == 420


def test_utf_16_is_text_and_frames_are_not(run_wire) -> None:
    name = "UTF-16"
    (reply,) = run_wire({"kind": "read", "reads": reads_of(STREAMS[name])})
    assert len(reply["samples"]) == GOLDEN[name]["samples"]
    assert reply["speaks"] == "text lines, 3 columns separated by commas: x, y, z, in g"


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 400.0])
def test_lines_that_carry_no_time_are_spaced_by_their_arrival(run_wire, rate_hz: float) -> None:
    name = "one value a line"
    (reply,) = run_wire({"kind": "read", "reads": reads_of(STREAMS[name], rate_hz)})
    steps_s = np.diff([each["timeS"] for each in reply["samples"]])
    np.testing.assert_allclose(steps_s[100:], 1 / rate_hz, rtol=0.02)


def test_a_lost_line_leaves_its_place_empty(run_wire) -> None:
    for name in ("nan lines", "counts that show lost lines"):
        (reply,) = run_wire({"kind": "read", "reads": reads_of(STREAMS[name])})
        steps_s = np.diff([each["timeS"] for each in reply["samples"]])[200:]
        assert reply["lost"] == GOLDEN[name]["lost"]
        assert np.rint(steps_s / np.median(steps_s)).max() == 2, name
        assert f"{reply['lost']} samples lost" in reply["speaks"]


def test_lines_that_change_their_form_are_told(run_wire) -> None:
    names = ("names after half", "lines of something else after half", "a boot log after half")
    changed, unread, log = run_wire(*({"kind": "read", "reads": reads_of(STREAMS[name])} for name in names))
    assert changed["speaks"].endswith("; the lines have changed their form")
    restarts = [at for at, each in enumerate(changed["samples"]) if each["restart"]]
    assert restarts == [349], "no window holds both forms"
    assert unread["problem"].startswith("Lines like “volt:")
    assert "no samples as before and get no label" in unread["problem"]
    assert (changed["problem"], log["problem"], "changed" in log["speaks"]) == ("", "", False)


HOSTILE = {
    "random bytes": random.Random(1).randbytes(60_000),
    "one endless line": b"7" * 200_000,
    "numbers without end": b"1," * 100_000,
    "thousands of templates": b"".join(b"a%db%dc%d: 1 2 3 4\n" % (at, at, at) for at in range(4_000)),
    "many names": b"".join(b" ".join(b"n%dx=%d" % (k, k) for k in range(40)) + b"\n" for _ in range(800)),
    "brackets": (b"((((" * 60 + b"1 2 3\n") * 800,
    "spaces": (b" " * 480 + b"1 2 3 4 x\n") * 800,
    "long names that are two sensors": (b"%s ax:1 ay:2 az:3 %s ax:1 ay:2 az:3\n" % (b"b" * 200, b"c" * 200)) * 500,
    "HTML": b"<img src=x onerror=alert(1)>1,2,3,4\n" * 800,
    "dates": (b"1999-01-01" * 40 + b"\n") * 800,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_lines_are_harmless(run_wire, name: str) -> None:
    data = HOSTILE[name]
    reads = [{"t_s": at / 10_000, "hex": data[at : at + 500].hex()} for at in range(0, len(data), 500)]
    after = [
        {"t_s": 100 + index / 100, "hex": line.hex()}
        for index, line in enumerate(STREAMS["header, then gyroscope first"])
    ]
    hostile, afterwards = run_wire({"kind": "read", "reads": reads}, {"kind": "read", "reads": [*reads, *after]})
    assert len(hostile["problem"]) < 400
    assert len(hostile["speaks"]) < 400
    assert len(afterwards["samples"]) > 400 or afterwards["problem"]
