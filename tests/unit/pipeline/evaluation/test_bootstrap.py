"""Bootstrap intervals: around the figure, wider the more the groups differ, and repeated exactly."""

import numpy as np
import pytest

from edgehar.pipeline.evaluation.bootstrap import bootstrap
from edgehar.pipeline.evaluation.metrics import Scores


def _confusion(accuracy: float, windows: int = 1000) -> np.ndarray:
    right = round(accuracy * windows / 2)
    return np.array([[right, windows // 2 - right], [windows // 2 - right, right]])


def test_intervals_hold_the_figures_of_all_groups() -> None:
    confusions = [_confusion(accuracy) for accuracy in (0.5, 0.6, 0.7, 0.8, 0.9)]
    pooled = Scores(("a", "b"), np.sum(confusions, axis=0))
    found = bootstrap(confusions)
    assert found is not None
    assert found.groups == 5
    assert found.accuracy[0] < pooled.accuracy < found.accuracy[1]
    assert found.macro_f1[0] < pooled.macro_f1 < found.macro_f1[1]
    assert found == bootstrap(confusions)


def test_an_interval_over_a_mean_is_as_wide_as_theory_says() -> None:
    generator = np.random.default_rng(1)
    accuracies = generator.uniform(0.4, 0.9, 40)
    found = bootstrap([_confusion(each) for each in accuracies])
    assert found is not None
    expected = 2 * 1.645 * accuracies.std() / np.sqrt(40)
    assert found.accuracy[1] - found.accuracy[0] == pytest.approx(expected, rel=0.1)


def test_two_groups_tell_nothing() -> None:
    assert bootstrap([_confusion(0.5), _confusion(0.9)]) is None
