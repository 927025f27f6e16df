"""Widths of texts: what a wide font really takes is never more than what is estimated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.reporting.text_width import shortened, text_width


@pytest.fixture(scope="module")
def measured():
    """Return what measures a text in DejaVu Sans, which matplotlib brings along."""
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib.ft2font import FT2Font

    fonts = {
        bold: FT2Font(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' if bold else ''}.ttf")
        for bold in (False, True)
    }

    def width(text: str, size: float, *, bold: bool) -> float:
        font = fonts[bold]
        font.set_size(1000, 72)
        return sum(font.load_char(ord(char)).linearHoriAdvance for char in text) / 65536 / 1000 * size

    return width


@pytest.mark.parametrize(
    "text",
    ["Walking Downstairs", "model.float32.tflite", "3,628 to 13,324", "Treppe ö ä ü ß", "Ходьба", "±→×…–", "mmmWWW@%"],
)
@pytest.mark.parametrize("bold", [False, True])
def test_an_estimate_is_never_too_small_and_not_wasteful(measured, text, bold):
    real, estimated = measured(text, 13.0, bold=bold), text_width(text, bold=bold)
    assert estimated >= 0.98 * real
    assert estimated <= 1.5 * real


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(20, 400))
def test_a_shortened_text_has_room(text, room):
    cut = shortened(text, room)
    assert text_width(cut) <= room
    assert cut == text or cut.endswith("…")
    assert text.startswith(cut.removesuffix("…")) or cut == text


def test_ideographs_are_wide_and_accents_take_nothing():
    assert text_width("歩") > 13
    assert text_width("e\u0301") == text_width("e")
