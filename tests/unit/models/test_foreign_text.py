"""Foreign text is shown as one line that no terminal obeys, and otherwise as it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.foreign_text import printable, unprintable

HOSTILE = [
    "\x1b]52;c;aGk=\x07",
    "\x9b31m",
    "a\nb",
    "a\rb",
    "a\tb",
    "\u2028",
    "\u2029",
    "\x85",
    "\u202eevil",
    "\u2066x\u2069",
    "\u200e",
    "\ud800",
    "\U000e0041",
    "\ufeff",
    "\x00",
    "\x7f",
]
HARMLESS = ["Walking Upstairs", "", "Treppe hoch", "歩く", "می‌روم", "क्‍ष", "👩‍🔬", "a\u00a0b", "שלום", "\ue0b0"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_steers_is_replaced_and_named(text):
    shown = printable(text)
    assert len(shown) == len(text)
    assert "·" in shown
    assert unprintable(shown) is None
    assert str(unprintable(text)).startswith("U+")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_people_write_stays(text):
    assert printable(text) == text
    assert unprintable(text) is None


@given(text=st.text(st.characters(), max_size=60), limit=st.integers(0, 40))
def test_any_text_becomes_one_line_that_can_be_written(text, limit):
    shown = printable(text, limit)
    assert len(shown) <= max(limit, 1)
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert printable(shown, limit + 1) == shown
    assert (unprintable(text) is None) == (printable(text, len(text)) == text)


def test_a_long_text_is_cut_with_a_sign():
    assert printable("x" * 2000) == "x" * 999 + "…"
    assert printable("x" * 1000) == "x" * 1000
    assert printable("abc", 3) == "abc"
    assert printable("abcd", 3) == "ab…"
