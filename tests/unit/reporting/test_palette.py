"""Colours of the pages: texts and marks can be told from what is behind them, in light and in dark."""

import re
from importlib import resources

import pytest

from .colors import blended, contrast

SCHEMES = ("light", "dark")
TEXT, MARK = 4.5, 3.0
SERIES = [f"s{number}" for number in range(13)]


def _colors(scheme: str) -> dict[str, str]:
    """Return the variables of one scheme."""
    style = resources.files("edgehar.reporting").joinpath("page.css").read_text(encoding="utf-8")
    light, _, rest = style.partition("@media (prefers-color-scheme: dark)")
    dark = rest.partition("\n}\n")[0]
    return dict(re.findall(r"--([\w-]+): ([#\w.]+)", light if scheme == "light" else dark))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ink", ["ink", "soft", "accent", "warn"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_texts_can_be_read(scheme: str, ink: str, ground: str) -> None:
    colors = _colors(scheme)
    assert contrast(colors[ink], colors[ground]) >= TEXT


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("series", SERIES)
def test_marks_can_be_seen(scheme: str, series: str) -> None:
    colors = _colors(scheme)
    assert contrast(colors[series], colors["paper"]) >= MARK


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("series", ["s1", "s4"])
def test_numbers_on_cells_of_any_share_can_be_read(scheme: str, series: str) -> None:
    colors = _colors(scheme)
    for share in range(0, 101, 5):
        ground = blended(colors[series], colors["panel"], share / 100 * float(colors["strength"]))
        assert contrast(colors["ink"], ground) >= TEXT, share


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("series", SERIES)
def test_labels_on_bands_can_be_read(scheme: str, series: str) -> None:
    colors = _colors(scheme)
    assert contrast(colors["ink"], blended(colors[series], colors["paper"], 0.3)) >= TEXT


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
