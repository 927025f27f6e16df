"""Templates: what is constant in a line and what is a number, for lines as sketches print them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.text.template import dissect
from edgehar.models.sensing.names import find_acceleration

LINES = {
    "0.12,-0.34,0.91": (0.12, -0.34, 0.91),
    "AX:0.12,AY:-0.34,AZ:0.91": (0.12, -0.34, 0.91),
    "AcX = 12 | AcY = -34 | AcZ = 91 | Tmp = 26.53 | GyX = 1 | GyY = 2 | GyZ = 3": (12, -34, 91),
    "Acceleration X: 0.12, Y: -0.34, Z: 0.91 m/s^2": (0.12, -0.34, 0.91),
    "Gyro X: 7, Y: 8, Z: 9 rad/s Acceleration X: 0.12, Y: -0.34, Z: 0.91 m/s^2": (0.12, -0.34, 0.91),
    '{"gyro":{"x":7,"y":8,"z":9},"acc":{"x":0.12,"y":-0.34,"z":0.91},"t":123}': (0.12, -0.34, 0.91),
    '{"ax":0.12,"ay":-3.4e-1,"az":0.91}': (0.12, -0.34, 0.91),
    "acc=(0.12,-0.34,0.91) gyr=(1,2,3)": (0.12, -0.34, 0.91),
    "Accelerometer: (0.12, -0.34, 0.91) m/s^2, Gyro: (1.0, 2.0, 3.0) rad/s": (0.12, -0.34, 0.91),
    "\x1b[0;32mI (12345) MPU: acce_x:0.12, acce_y:-0.34, acce_z:0.91\x1b[0m": (0.12, -0.34, 0.91),
    "Accel: X=0.12g Y=-0.34g Z=0.91g": (0.12, -0.34, 0.91),
    "X0.12 Y-0.34 Z0.91": (0.12, -0.34, 0.91),
    "ax1:0.12 ay1:-0.34 az1:0.91": (0.12, -0.34, 0.91),
    "A,0.12,-0.34,0.91": (0.12, -0.34, 0.91),
    "a/g:\t12\t-34\t91\t7\t8\t9": (12, -34, 91),
    "t=1234 ms ax=0.12 ay=-0.34 az=0.91 g": (0.12, -0.34, 0.91),
    "x=+0.12 y=-0.34 z=+0.91": (0.12, -0.34, 0.91),
}


@pytest.mark.parametrize("line", [line for line in LINES if line != "0.12,-0.34,0.91"])
def test_the_acceleration_of_a_line_is_found_by_its_text(line: str) -> None:
    cut = dissect(line)
    assert cut is not None
    template, numbers = cut
    axes = find_acceleration(template.names).axes
    assert axes is not None
    assert tuple(numbers[slot] for slot in axes) == LINES[line]


@pytest.mark.parametrize("line", LINES)
def test_the_pattern_reads_what_was_dissected(line: str) -> None:
    cut = dissect(line)
    assert cut is not None
    match = cut[0].pattern().fullmatch(line.encode("latin-1"))
    if match is not None:
        assert tuple(map(float, match.groups())) == cut[1]


@pytest.mark.parametrize(
    "text",
    ["m/s^2", "ax1", "MPU-6050 found", "address 0x68", "12:34:56.789 ->", "2026-11-29", "v1.2.3", "info", "", "---"],
)
def test_digits_in_text_are_no_numbers(text: str) -> None:
    assert dissect(text) is None


@pytest.mark.parametrize("written", ["nan", "NaN", "inf", "-inf", "ovf", "null", "None", "-nan"])
def test_what_stands_for_a_number_is_none(written: str) -> None:
    cut = dissect(f"ax:{written},ay:1,az:2")
    assert cut is not None
    assert math.isnan(cut[1][0])
    assert cut[0].constants == ("ax:", ",ay:", ",az:", "")


_NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 4))


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS, _NUMBERS), min_size=2, max_size=2), st.sampled_from(sorted(LINES)))
def test_the_template_does_not_depend_on_the_numbers(rows: list[tuple[float, ...]], line: str) -> None:
    cut = dissect(line)
    assert cut is not None
    template = cut[0]
    # Lines are printed anew from the template, with other numbers in other widths.
    for row in rows:
        numbers = [row[slot % 3] for slot in range(template.slots)]
        pieces = [f"{constant} {number:+10.4f} " for constant, number in zip(template.constants, numbers, strict=False)]
        again = dissect("".join(pieces) + template.constants[-1])
        assert again is not None
        assert again[0] == template
        assert again[1] == pytest.approx(tuple(numbers), abs=1e-4)


@given(st.text(max_size=200))
def test_any_text_is_cut_or_not(text: str) -> None:
    cut = dissect(text)
    if cut is not None:
        assert len(cut[0].names) == len(cut[0].units) == cut[0].slots == len(cut[1])
        cut[0].pattern()


NUMBERS = st.floats(-1e6, 1e6).map(lambda value: f"{value:.3f}") | st.integers(-40_000, 40_000).map(str)
BETWEEN = st.sampled_from([",", ", ", " ", "\t", "; ", " | ", "  "])
MARKS = st.sampled_from([":", "=", ": ", " = ", " "])
NAMES = st.sampled_from(["a", "acc", "Accel", "acce_", "acc_", "AC"])


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS), BETWEEN, MARKS, NAMES, st.sampled_from(["", "I (42) imu: ", "> ", "$"]))
def test_any_line_of_named_axes_is_read(
    numbers: tuple[str, str, str], between: str, mark: str, name: str, before: str
) -> None:
    line = before + between.join(f"{name}{axis}{mark}{number}" for axis, number in zip("xyz", numbers, strict=True))
    cut = dissect(line)
    assert cut is not None
    axes = find_acceleration(cut[0].names).axes
    assert axes is not None
    assert [cut[1][slot] for slot in axes] == [float(number) for number in numbers]


@given(st.text(max_size=200))
def test_any_text_has_a_template_that_reads_it_again(line: str) -> None:
    cut = dissect(line)
    if cut is None:
        return
    template, numbers = cut
    assert template.slots == len(numbers) == len(template.names) == len(template.units)
    match = template.pattern().fullmatch(line.encode("latin-1", "replace"))
    if match is not None:
        assert [float(group) for group in match.groups()] == pytest.approx(list(numbers))
