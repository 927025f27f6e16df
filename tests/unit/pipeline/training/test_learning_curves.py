"""Learning curves: real PNGs of any number of epochs, and their numbers beside them."""

import json
import struct

import pytest

from edgehar.pipeline.evaluation.plots import png_file
from edgehar.pipeline.training.history import Epoch
from edgehar.pipeline.training.learning_curves import learning_curve_files, learning_curves_figure


def size_of(png: bytes) -> tuple[int, int]:
    """Return width and height from the header of a PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def epochs(count: int, *, judged: bool) -> list[Epoch]:
    judgement = (1.2, 0.4, 1.4, 0.3) if judged else (None, None, None, None)
    return [Epoch(number, 1 / number, 1 / number, 0.5, 1e-3, 1.0, 100.0, *judgement) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 3, 60])
@pytest.mark.parametrize("judged", [True, False])
def test_curves_of_any_length(count: int, judged: bool) -> None:
    picture = learning_curves_figure(epochs(count, judged=judged), title="lstm, seed 0", kept_epoch=count)
    assert size_of(png_file(picture))


def test_curves_have_their_numbers_beside_them() -> None:
    files = learning_curve_files(epochs(3, judged=True), title="lstm", kept_epoch=2)
    written = json.loads(files["learning_curves.json"])
    assert written["kept_epoch"] == 2
    assert [epoch["validation_accuracy"] for epoch in written["epochs"]] == [0.4, 0.4, 0.4]
    assert [epoch["held_out_accuracy"] for epoch in written["epochs"]] == [0.3, 0.3, 0.3]
