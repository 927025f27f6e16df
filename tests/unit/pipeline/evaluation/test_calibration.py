"""Calibration: bins add up, a model that is right as often as it says has no error, a known temperature is found."""

import numpy as np
import pytest

from edgehar.pipeline.evaluation.calibration import fit_temperature, reliability, tempered


def _drawn(sharpness: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, and classes drawn from the same probabilities made blunter by ``sharpness``."""
    generator = np.random.default_rng(5)
    logits = generator.normal(scale=2, size=(count, 4))
    honest = tempered(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 1.0)
    cumulative = honest.cumsum(axis=1)
    truth = (generator.random((count, 1)) > cumulative).sum(axis=1).clip(0, 3)
    return tempered(honest, 1 / sharpness), truth


def test_bins_hold_every_window_and_honest_probabilities_have_no_error() -> None:
    probabilities, truth = _drawn(1.0)
    found = reliability(probabilities, truth)
    assert sum(each.windows for each in found.bins) == len(truth)
    assert found.expected_error < 0.02
    assert [each.confidence for each in found.bins] == sorted(each.confidence for each in found.bins)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_that_was_lost_is_found(sharpness: float) -> None:
    probabilities, truth = _drawn(sharpness)
    temperature = fit_temperature(probabilities, truth)
    assert temperature == pytest.approx(sharpness, rel=0.08)
    assert reliability(tempered(probabilities, temperature), truth).expected_error < 0.02


def test_a_temperature_changes_no_label() -> None:
    probabilities, _ = _drawn(1.0, 500)
    for temperature in (0.3, 3.0):
        scaled = tempered(probabilities, temperature)
        assert (scaled.argmax(axis=1) == probabilities.argmax(axis=1)).all()
        np.testing.assert_allclose(scaled.sum(axis=1), 1)


def test_certain_and_impossible_are_finite() -> None:
    sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert 0.05 <= fit_temperature(sure, np.array([0, 0])) <= 20
    assert 0.05 <= fit_temperature(sure, np.array([1, 1])) <= 20
    assert reliability(sure, np.array([0, 1])).expected_error == pytest.approx(0.5)
