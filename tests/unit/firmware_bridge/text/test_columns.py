"""What columns mean: by their names, or by how they behave."""

import random

import pytest

from edgehar.firmware_bridge.text.columns import COUNTER, TextLayout, header_names, infer_layout, needs_probe


def rows(ticks: list[float]) -> list[tuple[float, ...]]:
    """Return rows that begin with a tick."""
    noise = random.Random(3)
    return [(tick, noise.gauss(0, 1), noise.gauss(0, 1), noise.gauss(1, 1)) for tick in ticks]


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
    layout = infer_layout(rows(ticks), separator=",", names=(), rate_hz=rate_hz)
    assert (layout.time_column, layout.time_unit, layout.axes) == (0, unit, (1, 2, 3))
    assert layout.shows_loss


def test_a_hole_among_the_first_lines_does_not_hide_the_time() -> None:
    layout = infer_layout(rows([0, 10, 20, 70, 80, 90, 100]), separator=",", names=(), rate_hz=100)
    assert (layout.time_unit, layout.period) == ("ms", 10)


def test_acceleration_is_no_time() -> None:
    noise = random.Random(1)
    table = [tuple(noise.gauss(0, 1) for _ in range(4)) for _ in range(20)]
    assert infer_layout(table, separator=",", names=(), rate_hz=100) == TextLayout(",", 4, (0, 1, 2))


def test_a_constant_is_no_time() -> None:
    assert infer_layout([(0, 0, 1, 25)] * 20, separator=",", names=(), rate_hz=100).time_column is None


def test_times_that_repeat_cannot_show_loss() -> None:
    ticks = [100.0 * (i // 2) for i in range(20)]
    layout = infer_layout(rows(ticks), separator=",", names=("t_ms", "x", "y", "z"), rate_hz=20)
    assert layout.time_repeats
    assert not layout.shows_loss


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("t_ms,ax,ay,az", "ms"),
        ("time [s],accX,accY,accZ", "s"),
        ("micros,x,y,z", "us"),
        ("timestamp(µs),acc_x,acc_y,acc_z", "us"),
        ("seq,x,y,z", COUNTER),
        ("sample,X,Y,Z", COUNTER),
        ("time,x,y,z", "ms"),
    ],
)
def test_names_are_believed(header: str, unit: str) -> None:
    steps = {"ms": 10.0, "s": 0.01, "us": 10_000.0, COUNTER: 1.0}
    names = tuple(header.split(","))
    layout = infer_layout(rows([i * steps[unit] for i in range(20)]), separator=",", names=names, rate_hz=100)
    assert (layout.time_column, layout.time_unit, layout.axes) == (0, unit, (1, 2, 3))


def test_a_header_cut_from_us_to_s_is_not_believed() -> None:
    layout = infer_layout(
        rows([10_000.0 * i for i in range(20)]), separator=",", names=("s", "x", "y", "z"), rate_hz=100
    )
    assert layout.time_unit == "us"


def test_axes_are_found_wherever_they_are() -> None:
    names = ("gyro_x", "gyro_y", "gyro_z", "az", "ay", "ax")
    assert infer_layout([(1, 2, 3, 4, 5, 6)], separator=",", names=names, rate_hz=100).axes == (5, 4, 3)


def test_names_of_another_number_of_columns_are_ignored() -> None:
    assert infer_layout([(1, 2, 3)], separator=",", names=("z", "y", "x", "t"), rate_hz=100).axes == (0, 1, 2)


@pytest.mark.parametrize(
    ("columns", "names", "probe"),
    [
        (3, (), False),
        (4, (), True),
        (4, ("x", "y", "z", "temp"), False),
        (4, ("t", "x", "y", "z"), True),
        (4, ("x", "y", "z"), True),
    ],
)
def test_when_rows_must_be_watched(columns: int, names: tuple[str, ...], probe: bool) -> None:
    assert needs_probe(columns, names) is probe


@pytest.mark.parametrize("text", ["x,y", "gx gy gz", "hello", "", "temp,hum,light", "max,may,maz1"])
def test_not_every_text_is_a_header(text: str) -> None:
    assert header_names(text) is None


def test_a_layout_says_what_it_is() -> None:
    layout = TextLayout(";", 5, (1, 2, 3), time_column=0, time_unit="ms", period=10.0)
    assert str(layout) == "5 columns separated by semicolons: time in ms, x, y, z, unused"
