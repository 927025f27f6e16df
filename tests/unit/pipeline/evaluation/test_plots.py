"""Pictures: real PNGs of any number of classes and epochs, and their numbers beside them."""

import struct

import numpy as np
import pytest

from edgehar.models.contract import ACTIVITIES
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.evaluation.plots import _percent, confusion_figure, png_file


def size_of(png: bytes) -> tuple[int, int]:
    """Return width and height from the header of a PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize("classes", [2, 12])
def test_confusion_of_any_size(classes: int) -> None:
    scores = Scores(ACTIVITIES[:classes], np.arange(classes**2).reshape(classes, classes))
    picture = confusion_figure(scores, title="lstm", subtitle="Judged on subjects 4, 8, 12 " * 5)
    width, height = size_of(png_file(picture))
    assert min(width, height) > 400


def test_confusion_with_a_class_that_never_occurs() -> None:
    counts = np.diag([5, 0, 7])
    assert size_of(png_file(confusion_figure(Scores(("a", "b", "c"), counts), title="t", subtitle="s")))


@pytest.mark.parametrize(("share", "text"), [(0.001, "<1"), (0.999, ">99"), (1.0, "100"), (0.006, "1"), (0.42, "42")])
def test_no_percentage_says_none_or_all_when_it_is_not(share: float, text: str) -> None:
    assert _percent(share) == text
