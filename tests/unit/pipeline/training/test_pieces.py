"""The pieces of a recipe that need no TensorFlow: schedule, supervision, augmentation, initialization."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.architecture import ARCHITECTURE_NAMES, named_architecture
from edgehar.pipeline.training.augmentation import random_offsets, random_rotations
from edgehar.pipeline.training.initialization import initial_weights
from edgehar.pipeline.training.schedule import learning_rate
from edgehar.pipeline.training.supervision import step_weights, supervised_steps


@given(total=st.integers(2, 10_000), warmup=st.floats(0, 0.9), peak=st.floats(1e-6, 1))
def test_the_rate_stays_between_zero_and_its_peak(total: int, warmup: float, peak: float) -> None:
    rates = [learning_rate(step, total, peak=peak, warmup=warmup) for step in range(0, total, max(1, total // 50))]
    assert min(rates) >= 0
    assert max(rates) <= peak * (1 + 1e-9)


def test_the_rate_climbs_then_falls_to_nothing() -> None:
    rates = np.array([learning_rate(step, 1000, peak=1.0, warmup=0.05) for step in range(1001)])
    assert rates[0] == 0
    assert np.argmax(rates) == 50
    assert rates[50] == 1.0
    assert (np.diff(rates[:50]) > 0).all()
    assert (np.diff(rates[50:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-12)


@given(window=st.integers(1, 400), every=st.integers(0, 450))
def test_the_last_step_is_always_supervised_and_counts_most(window: int, every: int) -> None:
    steps = supervised_steps(window, every)
    assert steps[-1] == window - 1
    assert steps[0] >= 0
    assert len(set(np.diff(steps))) <= 1
    weights = step_weights(steps)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert weights.argmax() == len(steps) - 1


def test_supervision_of_the_measured_recipe() -> None:
    steps = supervised_steps(200, 10)
    assert steps.tolist() == list(range(9, 200, 10))
    assert step_weights(steps)[-1] / step_weights(steps)[0] == pytest.approx(20)


def test_offsets_reach_both_ends_and_no_further() -> None:
    offsets = random_offsets(20_000, largest=50, rng=np.random.default_rng(0))
    assert (offsets.min(), offsets.max()) == (-50, 50)
    assert abs(offsets.mean()) < 1


def test_rotations_keep_lengths_and_never_mirror() -> None:
    rotations = random_rotations(500, deviation_deg=20.0, rng=np.random.default_rng(0)).astype(np.float64)
    np.testing.assert_allclose(rotations @ rotations.swapaxes(1, 2), np.tile(np.eye(3), (500, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0, atol=1e-6)


def test_rotations_turn_by_angles_of_the_deviation_asked_for() -> None:
    rotations = random_rotations(4000, deviation_deg=20.0, rng=np.random.default_rng(0))
    angles = np.rad2deg(np.arccos(np.clip((np.trace(rotations, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    assert np.sqrt((angles**2).mean()) == pytest.approx(20.0, rel=0.05)
    turned = rotations @ np.array([1.0, 0.0, 0.0])
    assert abs(turned[:, 1:].mean()) < 0.02


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
@pytest.mark.parametrize("initialization", ["orthogonal", "structured"])
def test_first_weights_fit_the_architecture(name: str, initialization: str) -> None:
    architecture = named_architecture(name)
    weights = initial_weights(architecture, initialization, np.random.default_rng(0))
    assert {key: value.shape for key, value in weights.items()} == architecture.weight_shapes()
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in weights.values())
    again = initial_weights(architecture, initialization, np.random.default_rng(0))
    assert all(np.array_equal(weights[key], again[key]) for key in weights)


def test_orthogonal_recurrent_kernels_and_forget_bias() -> None:
    weights = initial_weights(named_architecture("lstm"), "orthogonal", np.random.default_rng(0))
    kernel = weights["LSTM_2/recurrent_kernel"].astype(np.float64)
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(32), atol=1e-6)
    bias = weights["LSTM_2/bias"].reshape(4, 32)
    assert (bias[1] == 1).all()
    assert not bias[[0, 2, 3]].any()


def test_structured_layers_remember_for_as_long_as_they_should() -> None:
    weights = initial_weights(named_architecture("simple_rnn"), "structured", np.random.default_rng(0))
    resonators = np.linalg.eigvals(weights["RNN_1/recurrent_kernel"].astype(np.float64))
    hertz = np.abs(np.angle(resonators)) * 100 / (2 * np.pi)
    assert np.median(np.abs(resonators)) == pytest.approx(np.exp(-1 / 20), abs=0.06)
    assert hertz.max() == pytest.approx(15, abs=1.5)
    assert ((hertz > 0.3).sum()) >= 28
    integrators = np.abs(np.linalg.eigvals(weights["RNN_2/recurrent_kernel"].astype(np.float64)))
    assert integrators.max() == pytest.approx(np.exp(-1 / 100), abs=0.05)
    assert integrators.max() < 1.05
    assert integrators.min() == pytest.approx(np.exp(-1 / 3), abs=0.06)


def test_structured_start_leaves_an_lstm_as_it_was() -> None:
    lstm = named_architecture("lstm")
    plain, structured = (
        initial_weights(lstm, initialization, np.random.default_rng(0))
        for initialization in ("orthogonal", "structured")
    )
    assert all(np.array_equal(plain[key], structured[key]) for key in plain)
