"""Verdicts: what macro-F1 says, and how sure a difference between two models is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.training.personalization.judging import Verdict, error_of, error_of_difference

SEEDS = st.integers(0, 2**32 - 1)


def answers(seed: int, right: float, days: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth, answers on several days of which so large a share is right, and parts."""
    rng = np.random.default_rng(seed)
    truth = np.arange(120) % 4
    guessed = np.where(rng.random((days, 120)) < right, truth, rng.integers(0, 4, (days, 120)))
    return truth, guessed, truth * 3 + np.arange(120) // 40


@given(seed=SEEDS, right=st.floats(0, 1))
@settings(max_examples=25)
def test_macro_f1_is_that_of_all_days_together(seed: int, right: float) -> None:
    truth, guessed, parts = answers(seed, right)
    scores = Scores.of(tuple("abcde"), truth=np.tile(truth, 3), predicted=guessed.reshape(-1))
    assert np.isclose(Verdict.of(truth, guessed, parts, classes=5).macro_f1, scores.macro_f1)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_a_difference_in_one_part_is_less_sure_than_one_in_all(seed: int) -> None:
    truth, right, parts = answers(seed, 1.0)
    in_one, in_all = right.copy(), right.copy()
    in_one[:, parts == 0] = 1
    in_all[:, ::12] = (in_all[:, ::12] + 1) % 4
    best, one, spread = (Verdict.of(truth, each, parts, classes=4) for each in (right, in_one, in_all))
    assert error_of_difference(best, best) == 0
    assert error_of_difference(best, one) > (best.macro_f1 - one.macro_f1) / 2
    assert error_of_difference(best, spread) < best.macro_f1 - spread.macro_f1


@given(seed=SEEDS, right=st.floats(0.3, 0.9))
@settings(max_examples=10)
def test_of_fewer_parts_less_is_known(seed: int, right: float) -> None:
    truth, guessed, _ = answers(seed, right)
    # Windows that are right and wrong by halves of the parts: the fewer parts, the less sure.
    few, many = (np.arange(120) // size for size in (30, 3))
    guessed[:] = np.where((few % 2 == 0), truth, (truth + 1) % 4)
    one = Verdict.of(truth, guessed, few, classes=4)
    guessed[:] = np.where((many % 2 == 0), truth, (truth + 1) % 4)
    assert error_of(one) > error_of(Verdict.of(truth, guessed, many, classes=4)) > 0
