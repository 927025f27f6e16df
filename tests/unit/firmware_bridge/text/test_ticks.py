"""Time columns: by their names, or by how they behave."""

import random

import pytest

from edgehar.firmware_bridge.text.layout import Place, time_column
from edgehar.firmware_bridge.text.ticks import COUNTER, behaves_like_time, time_by_name

FIRST = Place(0, 0)


@pytest.mark.parametrize(
    ("ticks", "rate_hz", "unit"),
    [
        ([i * 0.01 for i in range(20)], 100, "s"),
        ([5000 + 10 * i for i in range(20)], 100, "ms"),
        ([7e9 + 10_000 * i for i in range(20)], 100, "us"),
        ([10_000_000 * i for i in range(20)], 100, "ns"),
        ([200 + i for i in range(20)], 100, COUNTER),
        (list(range(20)), 1000, "ms"),
        ([40 * i for i in range(20)], 100, "ms"),
        ([round(9.6 * i) for i in range(20)], 104, "ms"),
    ],
)
def test_an_unnamed_time_is_recognised(ticks: list[float], rate_hz: float, unit: str) -> None:
    assert behaves_like_time(ticks, rate_hz)
    time = time_column(FIRST, ticks, name="", rate_hz=rate_hz)
    assert time.unit == unit
    assert time.shows_loss


def test_a_hole_among_the_first_lines_does_not_hide_the_time() -> None:
    ticks = [0.0, 10, 20, 70, 80, 90, 100]
    assert behaves_like_time(ticks, 100)
    time = time_column(FIRST, ticks, name="", rate_hz=100)
    assert (time.unit, time.period) == ("ms", 10)


def test_acceleration_is_no_time() -> None:
    noise = random.Random(1)
    assert not any(behaves_like_time([noise.gauss(0, 1) for _ in range(20)], 100) for _ in range(200))


def test_a_constant_is_no_time() -> None:
    assert not behaves_like_time([25.0] * 20, 100)


def test_times_that_repeat_cannot_show_loss() -> None:
    time = time_column(FIRST, [100.0 * (i // 2) for i in range(20)], name="t_ms", rate_hz=20)
    assert time.repeats
    assert not time.shows_loss


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("t_ms", "ms"),
        ("time [s]", "s"),
        ("micros", "us"),
        ("timestamp(µs)", "us"),
        ("seq", COUNTER),
        ("sample", COUNTER),
        ("time", "ms"),
    ],
)
def test_names_are_believed(name: str, unit: str) -> None:
    steps = {"ms": 10.0, "s": 0.01, "us": 10_000.0, COUNTER: 1.0}
    assert time_by_name(["ax", name, "ay"]) == 1
    assert time_column(FIRST, [i * steps[unit] for i in range(20)], name=name, rate_hz=100).unit == unit


def test_a_header_cut_from_us_to_s_is_not_believed() -> None:
    assert time_column(FIRST, [10_000.0 * i for i in range(20)], name="s", rate_hz=100).unit == "us"
