"""Metrics, against figures worked out by hand and properties that always hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.pipeline.evaluation.metrics import Scores, mean_and_deviation

LABELS = ("walk", "sit", "lie")


def test_figures_worked_out_by_hand() -> None:
    scores = Scores.of(LABELS, truth=[0, 0, 0, 1, 1, 2], predicted=[0, 0, 1, 1, 2, 2])
    assert scores.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert scores.windows == 6
    assert scores.accuracy == pytest.approx(4 / 6)
    assert scores.per_class_f1 == pytest.approx({"walk": 4 / 5, "sit": 2 / 4, "lie": 2 / 3})
    assert scores.macro_f1 == pytest.approx((4 / 5 + 2 / 4 + 2 / 3) / 3)


def test_a_class_that_never_occurs_is_not_averaged_in() -> None:
    scores = Scores.of(LABELS, truth=[0, 0, 1], predicted=[0, 0, 1])
    assert scores.per_class_f1["lie"] == 0
    assert scores.macro_f1 == 1


def test_a_class_that_is_named_wrongly_is_averaged_in() -> None:
    scores = Scores.of(LABELS, truth=[0, 0], predicted=[0, 2])
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_no_windows_give_no_division_by_zero() -> None:
    scores = Scores.of(LABELS, truth=[], predicted=[])
    assert (scores.windows, scores.accuracy, scores.macro_f1) == (0, 0.0, 0.0)


pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=200)


@given(pairs)
def test_figures_are_those_of_the_definitions(found: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(found).T
    scores = Scores.of(LABELS, truth=truth, predicted=predicted)
    assert scores.accuracy == pytest.approx((truth == predicted).mean())
    for index, label in enumerate(LABELS):
        hits = ((truth == index) & (predicted == index)).sum()
        named, occurring = (predicted == index).sum(), (truth == index).sum()
        precision = hits / named if named else 0.0
        recall = hits / occurring if occurring else 0.0
        expected = 2 * precision * recall / (precision + recall) if hits else 0.0
        assert scores.per_class_f1[label] == pytest.approx(expected)


@given(pairs, st.integers(0, 200))
def test_pooling_is_judging_at_once(found: list[tuple[int, int]], cut: int) -> None:
    parts = [part for part in (found[:cut], found[cut:]) if part]
    pooled = Scores.pooled(Scores.of(LABELS, truth=np.array(p)[:, 0], predicted=np.array(p)[:, 1]) for p in parts)
    whole = np.array(found)
    assert np.array_equal(pooled.confusion, Scores.of(LABELS, truth=whole[:, 0], predicted=whole[:, 1]).confusion)


def test_spread_over_subjects() -> None:
    assert mean_and_deviation([0.4, 0.6, 0.8]) == pytest.approx((0.6, 0.2))
    assert mean_and_deviation([0.4]) == (0.4, 0.0)
