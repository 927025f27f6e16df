"""Decoding many at a time: the bits of decoding one by one, with and without a compiler, in any pieces."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models import batch_decoding
from edgehar.models.batch_decoding import forward, listen, window_sums
from edgehar.models.bundle.manifest import PushSpec
from edgehar.models.decoder import MarkovFilter, PushDetector
from edgehar.models.decoder.markov import FLOOR
from edgehar.models.decoder.push import AT_REST

SPEC = PushSpec("up", "down")


@pytest.fixture(autouse=True, params=["compiled", "python"])
def library(
    request: pytest.FixtureRequest, need_engine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decode by the C library, and without it."""
    if request.param == "python":
        monkeypatch.setattr(batch_decoding, "_library", lambda: None)
        return
    need_engine("native")
    assert batch_decoding._library() is not None, "the library computes other bits"


def stream(seed: int, rate_hz: float) -> np.ndarray:
    """Return somebody who rests, rides, walks and turns the sensor, in any order, for a minute."""
    generator = np.random.default_rng(seed)
    each = round(2 * rate_hz)
    strength = np.repeat(generator.choice([0.0, 0.0, 0.04, -0.04, 0.2, 0.005], 30), each)
    noise = np.repeat(generator.choice([0.001, 0.01, 0.3], 30), each)[:, np.newaxis]
    axis = generator.normal(size=3)
    lengths = np.outer(1.0 + strength, axis / np.linalg.norm(axis))
    return (lengths + noise * generator.standard_normal((30 * each, 3))).astype(np.float32)


@given(seed=st.integers(0, 9999), rate_hz=st.sampled_from([20.0, 62.5, 100.0]), cuts=st.lists(st.integers(0, 6000)))
def test_listening_gives_the_bits_of_the_detector(seed: int, rate_hz: float, cuts: list[int]) -> None:
    samples = stream(seed, rate_hz)
    push, state, found = PushDetector(SPEC, rate_hz=rate_hz), AT_REST, []
    for block in np.split(samples, sorted(cut for cut in cuts if cut < len(samples))):
        directions, state = listen(SPEC, block, rate_hz=rate_hz, state=state)
        found.append(directions)
    assert np.array_equal(np.concatenate(found), push.feed(samples))
    assert state == push.state
    again = PushDetector(SPEC, rate_hz=rate_hz, state=state)
    assert np.array_equal(again.feed(samples), push.feed(samples))


@given(
    seed=st.integers(0, 9999),
    classes=st.integers(2, 17),
    count=st.integers(0, 60),
    weight=st.floats(0.05, 1.0),
    cut=st.integers(0, 60),
)
def test_going_forward_gives_the_bits_of_the_filter(
    seed: int, classes: int, count: int, weight: float, cut: int
) -> None:
    generator = np.random.default_rng(seed)
    transitions = generator.dirichlet(np.ones(classes), classes)
    posteriors = generator.dirichlet(np.full(classes, 0.1), count).astype(np.float32)
    smooth = MarkovFilter(transitions, weight=weight)
    wanted = [row for posterior in posteriors for row in smooth.feed(posterior)]
    evidence = np.maximum(posteriors.astype(np.float64), FLOOR)
    evidence[1:] **= weight
    first, belief = forward(transitions, evidence[:cut])
    last, _ = forward(transitions, evidence[cut:], belief)
    assert np.array_equal(np.concatenate([first, last]), np.array(wanted).reshape(-1, classes))


@given(
    seed=st.integers(0, 9999), length=st.integers(1, 70), hop=st.integers(1, 90), count=st.integers(0, 300),
    g=st.sampled_from([1e-30, 1e-3, 1.0, 64.0]),
)  # fmt: skip
def test_sums_of_windows_have_the_bits_of_python_and_are_right(
    seed: int, length: int, hop: int, count: int, g: float
) -> None:
    samples = np.random.default_rng(seed).normal(0.3 * g, g, (count, 3)).astype(np.float32)
    sums, squares = window_sums(samples, length=length, hop=hop, squares=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_decoding, "_library", lambda: None)
        wanted = window_sums(samples, length=length, hop=hop, squares=True)
    assert np.array_equal(sums, wanted[0])
    assert np.array_equal(squares, wanted[1])
    assert np.array_equal(window_sums(samples, length=length, hop=hop)[0], sums)
    windows = [samples[start : start + length].astype(float) for start in range(0, count - length + 1, hop)]
    np.testing.assert_allclose(sums, np.array([w.sum(0) for w in windows]).reshape(-1, 3), rtol=1e-9, atol=1e-12 * g)
    np.testing.assert_allclose(squares, np.array([(w**2).sum(0) for w in windows]).reshape(-1, 3), rtol=1e-12)
