"""Scores on a terminal."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from edgehar.commands.scores_table import print_scores


@pytest.mark.parametrize(("mistakes", "written"), [(1, "less than 1%"), (4, "less than 1%"), (60, "6%"), (0, None)])
def test_a_share_that_is_not_zero_is_not_written_as_zero(mistakes: int, written: str | None) -> None:
    scores = SimpleNamespace(
        windows=2000,
        accuracy=0.999,
        macro_f1=0.999,
        labels=("Sitting", "Standing"),
        per_class_f1={"Sitting": 1.0, "Standing": 1.0},
        confusion=np.array([[1000, 0], [mistakes, 1000 - mistakes]]),
    )
    evaluation = SimpleNamespace(
        protocol="protocol", artifact="a", runtime="r", scores=scores, per_subject={"1": scores}, test_subjects=("1",)
    )
    stream = io.StringIO()
    print_scores(evaluation, Console(file=stream, width=100))  # type: ignore[arg-type]
    (row,) = [line for line in stream.getvalue().splitlines() if line.startswith("Standing")]
    assert row.rstrip().endswith("1.000" if written is None else f"Sitting ({written})")
