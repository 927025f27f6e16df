"""What columns are for, by their names: the same for files and live streams."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgehar.models.sensing.roles as module
from edgehar.models.sensing.roles import role_of


def test_examples_in_docstrings_run() -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("time", None),
        ("Time (s)", "s"),
        ("t_ms", "ms"),
        ("millis", "ms"),
        ("timestamp [us]", "us"),
        ("SampleTimeFine", "us"),
        ("epoc (ms)", "ms"),
        ("timestamp (+0100)", None),
        ("seconds_elapsed", "s"),
        ("Time since start in ms ", "ms"),
        ("Zeitstempel", None),
        ("Tempo (s)", "s"),
        ("Czas [ms]", "ms"),
        ("attr_time", None),
    ],
)
def test_times(name: str, unit: str | None) -> None:
    assert (role_of(name).role, role_of(name).time_unit) == ("time", unit)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("", "index"),
        ("id", "index"),
        ("PacketCounter", "index"),
        ("gt", "label"),
        ("annotation", "label"),
        ("User", "subject"),
        ("Datum", "date"),
        ("sensor", "sensor"),
        ("T(°)", ""),
        ("Absolute acceleration (m/s^2)", ""),
        ("attitude.roll", ""),
    ],
)
def test_other_roles(name: str, role: str) -> None:
    assert role_of(name).role == role


@given(st.text(max_size=30))
def test_any_name_is_read(name: str) -> None:
    assert role_of(name).role in ("axis", "time", "date", "label", "subject", "index", "sensor", "")
