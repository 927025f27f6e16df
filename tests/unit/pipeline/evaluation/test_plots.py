"""Pictures: real PNGs of any number of classes and epochs, and their numbers beside them."""

import json
import struct

import numpy as np
import pytest

from edgehar.models.contract import ACTIVITIES
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.evaluation.plots import _percent, confusion_png, learning_curve_files, learning_curves_png
from edgehar.pipeline.training.history import Epoch


def size_of(png: bytes) -> tuple[int, int]:
    """Return width and height from the header of a PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def epochs(count: int, *, judged: bool) -> list[Epoch]:
    judgement = (1.2, 0.4) if judged else (None, None)
    return [Epoch(number, 1 / number, 1 / number, 0.5, 1e-3, 1.0, 100.0, *judgement) for number in range(1, count + 1)]


@pytest.mark.parametrize("classes", [2, 12])
def test_confusion_of_any_size(classes: int) -> None:
    scores = Scores(ACTIVITIES[:classes], np.arange(classes**2).reshape(classes, classes))
    width, height = size_of(confusion_png(scores, title="lstm", subtitle="Judged on subjects 4, 8, 12 " * 5))
    assert min(width, height) > 400


def test_confusion_with_a_class_that_never_occurs() -> None:
    counts = np.diag([5, 0, 7])
    assert size_of(confusion_png(Scores(("a", "b", "c"), counts), title="t", subtitle="s"))


@pytest.mark.parametrize(("share", "text"), [(0.001, "<1"), (0.999, ">99"), (1.0, "100"), (0.006, "1"), (0.42, "42")])
def test_no_percentage_says_none_or_all_when_it_is_not(share: float, text: str) -> None:
    assert _percent(share) == text


@pytest.mark.parametrize("count", [1, 3, 60])
@pytest.mark.parametrize("judged", [True, False])
def test_curves_of_any_length(count: int, judged: bool) -> None:
    assert size_of(learning_curves_png(epochs(count, judged=judged), title="lstm, seed 0", kept_epoch=count))


def test_curves_have_their_numbers_beside_them() -> None:
    files = learning_curve_files(epochs(3, judged=True), title="lstm", kept_epoch=2)
    written = json.loads(files["learning_curves.json"])
    assert written["kept_epoch"] == 2
    assert [epoch["validation_accuracy"] for epoch in written["epochs"]] == [0.4, 0.4, 0.4]
