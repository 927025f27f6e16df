"""The README's picture: no text leaves its card or box, whatever font the reader has, and it serves light and dark."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edgehar.reporting.text_width import text_width

from .colors import contrast

PICTURE = Path(__file__).parents[3] / "docs" / "images" / "chain.svg"
SVG = "{http://www.w3.org/2000/svg}"
MONOSPACE_EM = 0.61
"""Advance of DejaVu Sans Mono, the widest of common monospaced fonts."""


def _cards() -> list[ElementTree.Element]:
    return [group for group in ElementTree.parse(PICTURE).getroot() if group.get("transform")]


def _extent(text: ElementTree.Element) -> tuple[float, float]:
    """Return the first and last pixel that a text may take."""
    kind, written, x = text.get("class", ""), text.text or "", float(text.get("x", 0))
    if kind == "command":
        return x, x + 13 * MONOSPACE_EM * len(written)
    wide = text_width(written, size=17 if kind == "name" else 13, bold=kind == "name")
    return (x - wide / 2, x + wide / 2) if kind == "inside" else (x, x + wide)


def test_there_is_a_card_for_every_step() -> None:
    assert [card.find(f"{SVG}text").text for card in _cards()] == [
        "Recordings",
        "Model",
        "Bundle",
        "Any device",
        "Serial line",
        "Label, now",
    ]


def test_no_text_leaves_its_card() -> None:
    for card in _cards():
        width = float(card.find(f"{SVG}rect").get("width"))
        for text in card.iter(f"{SVG}text"):
            left, right = _extent(text)
            assert left >= 8, text.text
            assert right <= width - 8, text.text


def test_no_text_leaves_the_box_it_is_in() -> None:
    for card in _cards():
        boxes = [(float(box.get("x", 0)), float(box.get("width"))) for box in card.iter(f"{SVG}rect")][1:]
        for text in card.iter(f"{SVG}text"):
            if text.get("class") == "inside":
                left, right = _extent(text)
                assert any(x + 4 <= left and right <= x + width - 4 for x, width in boxes), text.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(scheme: str) -> None:
    style = ElementTree.parse(PICTURE).getroot().find(f"{SVG}style").text
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    colors = dict(
        re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark.partition(".ground")[0])
    )
    for ink, ground in [
        ("ink", "card"),
        ("soft", "card"),
        ("code", "card"),
        ("ink", "model"),
        ("ink", "file"),
        ("ink", "chip"),
    ]:
        assert contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground)
