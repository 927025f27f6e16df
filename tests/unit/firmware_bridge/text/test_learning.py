"""Learning a layout: by names, by evidence, by what a person declares; or one question that names the option."""

import numpy as np
import pytest

from edgehar.firmware_bridge.text.layout import TextLayout
from edgehar.firmware_bridge.text.learning import LayoutLearner, Question

RNG = np.random.default_rng(8)
COUNT = 450
STEPS = np.arange(COUNT)
TIME_S = STEPS / 100
GRAVITY = np.array([0.6, -0.5, 0.62])
WALK = GRAVITY + np.stack([np.sin(9 * TIME_S), 0.4 * np.cos(18 * TIME_S), 0.3 * np.sin(5 * TIME_S)], axis=1) * 0.4
TURNS = RNG.normal(0, 40, (COUNT, 3))


def learn(
    rows: list[str], *, columns: tuple[str, str, str] | None = None, header: tuple[str, ...] = ()
) -> TextLayout | Question | None:
    """Return what is learned from lines."""
    learner = LayoutLearner(rate_hz=100.0, columns=columns)
    learner.name_columns(header)
    for row in rows:
        learner.add(row)
        decision = learner.decide()
        if decision is not None:
            return decision
    return learner.decide(final=True)


def csv(*parts: np.ndarray, separator: str = ",") -> list[str]:
    """Return arrays as lines of bare numbers."""
    table = np.hstack([part.reshape(COUNT, -1) for part in parts])
    return [separator.join(f"{value:.4f}" for value in row) for row in table]


def slots(layout: TextLayout | Question | None) -> tuple[int, ...]:
    """Return the slots of x, y and z."""
    assert isinstance(layout, TextLayout), layout
    return tuple(place.slot for place in layout.axes)


QUATERNION = np.stack([np.cos(TIME_S), 0 * TIME_S, 0.6 * np.sin(TIME_S), 0.8 * np.sin(TIME_S)], axis=1)
NODE = np.ones(COUNT)
WARMTH = np.full(COUNT, 26.5)
MAGNITUDE = np.linalg.norm(WALK, axis=1)


@pytest.mark.parametrize("scale", [1.0, 9.80665])
@pytest.mark.parametrize(
    ("name", "before", "behind", "first"),
    [
        ("alone", [], [], 0),
        ("a time first", [TIME_S * 1000], [], 1),
        ("a time last", [], [TIME_S], 0),
        ("a quaternion first", [QUATERNION], [], 4),
        ("an address first", [NODE], [], 1),
        ("a temperature last", [], [WARMTH], 0),
        ("a gyroscope first", [TURNS], [], 3),
        ("a gyroscope last", [], [TURNS], 0),
        ("a time, a gyroscope, a temperature", [TIME_S * 1e6, TURNS], [WARMTH], 4),
    ],
)
def test_unnamed_columns_are_told_by_their_numbers(
    name: str, before: list[np.ndarray], behind: list[np.ndarray], first: int, scale: float
) -> None:
    assert slots(learn(csv(*before, WALK * scale, *behind))) == (first, first + 1, first + 2), name


@pytest.mark.parametrize("place", [0, 3])
def test_a_magnitude_is_no_axis(place: int) -> None:
    parts = [MAGNITUDE, WALK] if place == 0 else [WALK, MAGNITUDE]
    assert slots(learn(csv(*parts))) == ((1, 2, 3) if place == 0 else (0, 1, 2))


def test_two_that_could_be_acceleration_are_asked_about() -> None:
    question = learn(csv(WALK, WALK[::-1] * 9.80665))
    assert isinstance(question, Question)
    assert question.option == "--columns"
    assert "1,2,3 or 4,5,6" in question.text


def test_what_is_asked_can_be_answered() -> None:
    rows = csv(WALK, WALK[::-1] * 9.80665)
    assert slots(learn(rows, columns=("4", "5", "6"))) == (3, 4, 5)
    assert slots(learn(rows, columns=("c", "a", "b"), header=("a", "b", "c", "d", "e", "f"))) == (2, 0, 1)


def test_columns_that_are_not_there_are_said() -> None:
    question = learn(csv(WALK), columns=("4", "5", "6"))
    assert isinstance(question, Question)
    assert "count them from 1" in question.text


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", ", "])
def test_a_header_names_the_columns(separator: str) -> None:
    names = ("t", "gx", "gy", "gz", "ax", "ay", "az", "temp")
    rows = csv(TIME_S * 1000, TURNS, WALK, WARMTH, separator=separator)
    layout = learn(rows, header=names)
    assert slots(layout) == (4, 5, 6)
    assert isinstance(layout, TextLayout)
    assert layout.time is not None
    assert layout.time.unit == "ms"


def test_a_sample_may_take_several_lines() -> None:
    rows = [line for x, y, z in WALK for line in (f"ax:{x:.3f}", f"ay:{y:.3f}", f"az:{z:.3f}", "temp:26.50")]
    layout = learn(rows)
    assert isinstance(layout, TextLayout)
    assert len(layout.templates) == 3
    assert layout.names == ("ax", "ay", "az")


def test_other_sensors_on_other_lines_are_left_out() -> None:
    rows = []
    for (x, y, z), (a, b, c) in zip(WALK * 9.80665, TURNS, strict=True):
        rows.append(f"Acceleration X: {x:.2f}, Y: {y:.2f}, Z: {z:.2f} m/s^2")
        rows.append(f"Rotation X: {a:.2f}, Y: {b:.2f}, Z: {c:.2f} rad/s")
    layout = learn(rows)
    assert slots(layout) == (0, 1, 2)
    assert isinstance(layout, TextLayout)
    assert layout.unit == "m/s2"


@pytest.mark.parametrize("between", [",", ";", " ", "\t"])
def test_decimal_commas_are_read(between: str) -> None:
    rows = [between.join(f"{value:.2f}".replace(".", ",") for value in row) for row in WALK]
    layout = learn(rows)
    assert isinstance(layout, TextLayout)
    assert layout.templates[0].decimal_comma
    assert slots(layout) == (0, 1, 2)


def test_counts_of_two_sensors_are_no_decimal_commas() -> None:
    rows = [",".join(str(round(value)) for value in row) for row in np.hstack([WALK * 16384, TURNS])]
    layout = learn(rows)
    assert isinstance(layout, TextLayout)
    assert not layout.templates[0].decimal_comma


@pytest.mark.parametrize("row", ["0.1", "0.1,0.2", "humidity: 40 %"])
def test_too_little_is_asked_about_with_the_line(row: str) -> None:
    question = learn([row] * COUNT)
    assert isinstance(question, Question)
    assert repr(row) in question.text


@pytest.mark.parametrize("lean", [(0.87, 0.5, 0.05), (0.1, 0.05, 0.99), (-0.6, 0.6, 0.53)])
def test_counts_of_a_resting_sensor_are_told_from_a_temperature_beside_them(lean: tuple[float, float, float]) -> None:
    """In the order in which an MPU-6050 is read; a temperature and an axis together can be as long as gravity."""
    acc = np.rint((np.array(lean) + RNG.normal(0, 0.004, (COUNT, 3))) * 16384)
    warmth = np.round(26.5 + np.cumsum(RNG.integers(-1, 2, COUNT)) * 0.01, 2)
    gyro = np.rint(RNG.normal(0, 40, (COUNT, 3)) + np.array([-30, 12, 5]))
    rows = [
        ",".join(f"{value:.0f}" for value in a) + f",{t:.2f}," + ",".join(f"{value:.0f}" for value in g)
        for a, t, g in zip(acc, warmth, gyro, strict=True)
    ]
    decision = learn(rows)
    assert isinstance(decision, Question) or slots(decision) == (0, 1, 2)


@pytest.mark.parametrize("still", [0, 1, 2])
def test_an_axis_that_does_not_change_is_one(still: int) -> None:
    """A coarse sensor that leans one way sends the same number for an axis again and again."""
    acc = WALK.copy()
    acc[:, still] = 0.7
    assert slots(learn(csv(TURNS, acc))) == (3, 4, 5)
    assert slots(learn(csv(acc, TURNS, WARMTH))) == (0, 1, 2)
