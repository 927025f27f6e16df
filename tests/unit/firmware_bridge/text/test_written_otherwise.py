"""Lines made up from what sketches do: names before, behind or in a list, titles, states; none is misread."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .playing import doubts, play
from .sketches import ACC_G, GYRO_DPS

ROWS = 300
KEPT = 100
SENSORS = {"acc": ("Acc", "accel", "ACCEL", "Accelerometer", "a"), "gyro": ("Gyro", "gyr", "GYRO", "Gyroscope", "g")}
UNITS = {"": 1.0, "g": 1.0, "mg": 1000.0, "m/s^2": 9.80665, "m/s2": 9.80665, "cm/s^2": 980.665}


@dataclass(frozen=True)
class Format:
    """How a made-up sketch writes."""

    per_g: float
    write: Callable[[np.ndarray, np.ndarray, int], str]

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of every moment."""
        for at in range(ROWS):
            yield self.write(ACC_G[at] * self.per_g, GYRO_DPS[at], at).encode()


@st.composite
def formats(draw: st.DrawFn) -> Format:
    """Draw a sketch that names its sensors somehow, in some order, with other things around them."""
    unit = draw(st.sampled_from(sorted(UNITS)))
    place = draw(st.sampled_from(["before", "behind", "in a list", "before all", "under titles"]))
    order = draw(st.sampled_from([("acc",), ("acc", "gyro"), ("gyro", "acc")]))
    # A letter alone is no title.
    words = {
        sensor: draw(st.sampled_from(SENSORS[sensor][: -1 if place == "under titles" else None])) for sensor in order
    }
    mark = draw(st.sampled_from([", ", "; ", " | "] if place == "behind" else [", ", "; ", " | ", " ", "\t"]))
    equals = draw(st.sampled_from([": ", "=", " = ", ":"]))
    before = draw(st.sampled_from(["", "I ({ms}) imu: ", "[{ms}] ", "t: {ms}" + mark]))
    after = draw(st.sampled_from(["", mark + "T" + equals + "26.5", " OK", " {state}", ",", "\r"]))
    if place in ("behind", "in a list") or "a" in words.values() or "g" in words.values():
        before = ""
    if place == "behind":
        after = draw(st.sampled_from(["", mark + "26.5 C"]))

    def group(sensor: str, values: np.ndarray) -> str:
        word, own = words[sensor], unit if sensor == "acc" else ""
        written = [f"{value:.3f}" for value in values]
        if place == "before":
            return mark.join(f"{word}_{axis}{equals}{value}{own}" for axis, value in zip("xyz", written, strict=True))
        if place == "behind":
            return mark.join(f"{value}{own} {word}_{axis}" for axis, value in zip("xyz", written, strict=True))
        if place == "in a list":
            return f"{word} (x, y, z){equals}{', '.join(written)}{own and ' ' + own}"
        return f"{word}{equals}{mark.join(written)}{own and ' ' + own}"

    def write(acc: np.ndarray, gyro: np.ndarray, at: int) -> str:
        parts = {"acc": acc, "gyro": gyro}
        filled = {"ms": 4812 + 10 * at, "state": ["idle", "moving"][at // 40 % 2]}
        if place == "under titles":
            written = {sensor: "\t".join(f"{value:.3f}" for value in parts[sensor]) for sensor in order}
            return "".join(f"-- {words[sensor]} --\n{written[sensor]}\n" for sensor in order)
        whole = before + mark.join(group(sensor, parts[sensor]) for sensor in order) + after
        return whole.format(**filled) + "\n"

    has_unit = place != "under titles"
    return Format(UNITS[unit] if has_unit else draw(st.sampled_from([1.0, 9.80665])), write)


@settings(max_examples=80, deadline=None)
@given(formats())
def test_made_up_sketches_are_read_right_or_asked_about(sketch: Format) -> None:
    lines = list(sketch.lines())
    samples, remarks, source = play(lines)
    if not len(samples):
        assert any("--" in text for text in doubts(remarks)), lines[0]
        return
    assert len(samples) >= KEPT
    assert not source.counts.lost
    distances = [
        np.abs(samples[len(samples) - KEPT :] - ACC_G[ROWS - KEPT - late : ROWS - late]).max() for late in (0, 1)
    ]
    assert min(distances) <= 0.011, (lines[0], [remark.text for remark in remarks])


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["{v},{w}", "{w},{v}", "[{w}] {v}", "{v} ({w})", "{w}: {v} x"]), st.booleans(), st.integers(0, 9)
)
def test_two_sensors_in_turn_are_never_mixed(form: str, has_names: bool, seed: int) -> None:
    """Whatever word tells them apart, and wherever it stands."""
    first, second = np.random.default_rng(seed).choice(
        ["left", "right", "L", "R", "imu1", "imu2", "hip"], 2, replace=False
    )
    other = np.roll(ACC_G, 37, axis=0)[:, [2, 0, 1]]
    numbers = "x={:.3f} y={:.3f} z={:.3f}" if has_names else "{:.3f},{:.3f},{:.3f}"
    lines = [
        form.format(v=numbers.format(*values[at]), w=word).encode() + b"\n"
        for at in range(ROWS)
        for values, word in ((ACC_G, first), (other, second))
    ]
    samples, remarks, _ = play(lines, rate_hz=200.0)
    assert not len(samples), doubts(remarks)
    assert any("--columns" in text for text in doubts(remarks))


@pytest.mark.parametrize(
    ("columns", "lines_of"),
    [
        ("A0,A1,A2", ["A0:{0:.3f}\n", "A1:{1:.3f}\n", "A2:{2:.3f}\n"]),
        ("roll,pitch,yaw", [">roll:{0:.3f}\n", ">pitch:{1:.3f}\n", ">yaw:{2:.3f}\n"]),
    ],
)
def test_declared_columns_may_stand_in_several_lines(columns: str, lines_of: list[str]) -> None:
    lines = [text.format(*row).encode() for row in ACC_G[:ROWS] for text in lines_of]
    samples, _, _ = play([b"\n", *lines], columns=columns, rate_hz=300.0)
    assert np.abs(samples[-KEPT:] - ACC_G[ROWS - KEPT : ROWS]).max() < 0.001


def test_lines_without_decimal_numbers_are_told() -> None:
    _, remarks, _ = play([f"X = 0x{at:04X}  Y = 0x01F3  Z = 0x40A1\n".encode() for at in range(200)])
    assert any("hold no numbers" in text and "decimal" in text for text in doubts(remarks))
