"""Units: what may be written, what it means, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgehar.models.errors import UsageError
from edgehar.models.units import parse_unit


@pytest.mark.parametrize(
    ("text", "value", "in_g"),
    [
        ("g", 1.0, 1.0),
        ("m/s2", 9.80665, 1.0),
        ("m/s²", -19.6133, -2.0),
        ("M/S^2", 4.903325, 0.5),
        ("raw:16384", 8192, 0.5),
        ("raw:1000", -981, -0.981),
        ("raw:256.5", 513, 2.0),
    ],
)
def test_one_g_in_every_unit(text: str, value: float, in_g: float) -> None:
    converted = parse_unit(text).to_g([[value, 0, 0]])
    assert converted.dtype == np.float32
    assert converted[0, 0] == np.float32(in_g)


@pytest.mark.parametrize(
    "text", ["", "G's", "raw", "raw:", "raw:0", "raw:-2", "raw:nan", "raw:inf", "raw:x", "mg", "m/s"]
)
def test_other_units_are_refused_with_advice(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_unit(text)
    assert repr(text) in str(caught.value)
    assert caught.value.next_step
    assert caught.value.exit_code == 2


def test_counts_are_whole_and_saturate() -> None:
    counts = parse_unit("raw:16384").from_g([[0.5, 6.9, -6.9]])
    assert counts.dtype == np.int16
    assert counts.tolist() == [[8192, 32767, -32768]]


@given(hnp.arrays(np.float32, (5, 3), elements=st.floats(-16, 16, width=32)))
def test_real_units_come_back_bit_by_bit(samples: np.ndarray) -> None:
    for name in ("g", "m/s2"):
        unit = parse_unit(name)
        assert np.array_equal(unit.to_g(unit.from_g(samples)), samples)
