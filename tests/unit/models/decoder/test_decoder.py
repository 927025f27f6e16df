"""The decoder: what it leaves alone, smooths, rejects and holds, and that its time does not depend on the hop."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.decoder import UNDECODED, UNKNOWN, Decoder, scaled_count, scaled_transitions
from edgehar.models.decoder.decoder import lag_in_windows
from edgehar.models.errors import UsageError

LABELS = ("sit", "stand", "walk")
STICKY = ((0.98, 0.01, 0.01), (0.01, 0.98, 0.01), (0.01, 0.01, 0.98))


def decoder(spec: DecoderSpec, *, hop: int = 100) -> Decoder:
    """Return a decoder of three classes whose spec counts windows 100 samples apart."""
    return Decoder(spec, LABELS, hop=hop, spec_hop=100, window_length=200)


def posteriors(seed: int, count: int) -> NDArray[np.float64]:
    """Return random posteriors."""
    return np.random.default_rng(seed).dirichlet([0.5] * len(LABELS), count)


def noisy_stay(label: int, count: int, seed: int = 0) -> NDArray[np.float64]:
    """Return posteriors of somebody who stays at one thing, a quarter of them for something else."""
    generator = np.random.default_rng(seed)
    rows = np.full((count, len(LABELS)), 0.15)
    wrong = generator.random(count) < 0.25
    rows[np.arange(count), np.where(wrong, (label + 1) % len(LABELS), label)] = 0.7
    return rows


def labels_of(tool: Decoder, rows: NDArray[np.float64]) -> list[str]:
    """Return what a decoder shows."""
    return [tool.decode(row).label for row in rows]


@given(st.integers(0, 99), st.sampled_from([1, 20, 100, 200]))
def test_the_undecoded_is_the_most_probable_class_bit_by_bit(seed: int, hop: int) -> None:
    tool = decoder(UNDECODED, hop=hop)
    assert tool.changes_nothing
    for row in posteriors(seed, 20).astype(np.float32):
        found = tool.decode(row)
        assert (found.label, found.probability) == (LABELS[int(np.argmax(row))], float(row.max()))


def test_a_mean_is_the_mean_of_the_last_windows() -> None:
    rows = posteriors(1, 9)
    tool = decoder(DecoderSpec(4, 0.0, 1))
    for index, row in enumerate(rows):
        expected = rows[max(0, index - 3) : index + 1].mean(axis=0)
        assert tool.decode(row).posterior == pytest.approx(expected)


@pytest.mark.parametrize("spec", [DecoderSpec(8, 0.0, 1), DecoderSpec(1, 0.0, 1, STICKY), DecoderSpec(1, 0.0, 4)])
def test_flicker_goes(spec: DecoderSpec) -> None:
    assert not decoder(spec).changes_nothing
    rows = np.concatenate([noisy_stay(0, 100), noisy_stay(2, 100)])
    raw, smooth = labels_of(decoder(UNDECODED), rows), labels_of(decoder(spec), rows)
    switches = [sum(a != b for a, b in itertools.pairwise(found)) for found in (raw, smooth)]
    assert switches[0] > 50
    assert switches[1] < switches[0] / 4
    assert smooth[-1] == "walk"
    assert "walk" in smooth[100:112]


def test_the_forward_recursion_is_the_one_of_the_textbook() -> None:
    rows, matrix = posteriors(5, 30), np.array(STICKY)
    tool = Decoder(DecoderSpec(1, 0.0, 1, STICKY), LABELS, hop=200, spec_hop=200, window_length=200)
    belief = np.maximum(rows[0], 1e-4)
    for index, row in enumerate(rows):
        if index:
            belief = (belief @ matrix) * np.maximum(row, 1e-4)
        belief = belief / belief.sum()
        assert tool.decode(row).posterior == pytest.approx(belief)


def test_one_certain_mistake_does_not_rule_a_class_out_for_ever() -> None:
    tool = decoder(DecoderSpec(1, 0.0, 1, STICKY))
    tool.decode(np.array([1.0, 0.0, 0.0]))
    labels = labels_of(tool, np.array([[0.0, 1.0, 0.0]] * 8))
    assert labels[-1] == "stand"


def test_rejection_says_unknown_with_the_probability_it_rejected() -> None:
    found = decoder(DecoderSpec(1, 0.6, 1)).decode(np.array([0.5, 0.3, 0.2]))
    assert (found.label, found.probability) == (UNKNOWN, 0.5)


def test_the_probability_is_the_one_of_the_label_that_is_held() -> None:
    tool = decoder(DecoderSpec(1, 0.0, 3))
    tool.decode(np.array([0.9, 0.1, 0.0]))
    found = tool.decode(np.array([0.2, 0.8, 0.0]))
    assert (found.label, found.probability) == ("sit", pytest.approx(0.2))


def test_after_a_break_the_past_counts_no_more() -> None:
    for spec in (DecoderSpec(9, 0.0, 5), DecoderSpec(1, 0.0, 5, STICKY)):
        tool = decoder(spec)
        labels_of(tool, noisy_stay(0, 50))
        tool.restart()
        assert tool.decode(np.array([0.0, 0.1, 0.9])).label == "walk"


@given(st.integers(1, 30), st.sampled_from([10, 20, 50, 100]))
def test_counts_span_the_same_time_at_every_hop(windows: int, hop: int) -> None:
    assert (scaled_count(windows, 100, hop) - 1) * hop == (windows - 1) * 100


@given(st.floats(0.05, 7), st.integers(0, 99))
def test_scaled_transitions_are_probabilities(steps: float, seed: int) -> None:
    matrix = np.random.default_rng(seed).dirichlet([1.0] * 4, 4)
    scaled = scaled_transitions(matrix, steps)
    assert (scaled >= 0).all()
    assert scaled.sum(axis=1) == pytest.approx(1.0)
    assert scaled_transitions(matrix, 1.0) == pytest.approx(matrix)
    assert scaled_transitions(matrix, 2.0) == pytest.approx(matrix @ matrix)


@given(seed=st.integers(0, 99), count=st.integers(1, 20), lag=st.integers(0, 5), dwell=st.integers(1, 3))
def test_with_a_lag_every_window_gets_its_label_later(seed: int, count: int, lag: int, dwell: int) -> None:
    spec = DecoderSpec(1, 0.3, dwell, stay_probability=0.9, temperature=1.25)
    tool = Decoder(spec, LABELS, hop=100, spec_hop=100, window_length=200, lag_windows=lag)
    early = [found for row in posteriors(seed, count) for found in tool.feed(row)]
    late = tool.finish()
    assert (len(early), len(early) + len(late)) == (max(0, count - lag), count)
    assert all(found.posterior.sum() == pytest.approx(1.0) for found in [*early, *late])
    assert tool.finish() == [], "nothing is left of the stream before"


def test_only_a_hidden_markov_model_waits() -> None:
    tool = Decoder(DecoderSpec(3, 0.0, 1), LABELS, hop=100, spec_hop=100, window_length=200, lag_windows=2)
    assert (tool.lag_windows, len(tool.feed(posteriors(0, 1)[0]))) == (0, 1)
    waits = Decoder(DecoderSpec(1, 0.0, 1, STICKY), LABELS, hop=100, spec_hop=100, window_length=200, lag_windows=2)
    with pytest.raises(UsageError, match="expected a decoder without a lag, got one of 2 windows"):
        waits.decode(posteriors(0, 1)[0])


@pytest.mark.parametrize("lag_s", [-1.0, 11.0, float("nan")])
def test_a_lag_that_cannot_be_meant_is_refused(lag_s: float) -> None:
    with pytest.raises(UsageError, match="expected a lag from 0 to 10 s"):
        lag_in_windows(lag_s, hop=100, rate_hz=100.0)


@given(st.integers(0, 99), st.sampled_from([10, 20, 50, 100, 200]))
def test_a_model_is_as_sure_of_a_stretch_at_every_hop(seed: int, hop: int) -> None:
    """Evidence counts by its time: windows that say the same all along weigh the same, however many they are."""
    row = posteriors(seed, 1)[0]
    spec = DecoderSpec(1, 0.0, 1, stay_probability=0.9999999, temperature=2.0)
    tool = Decoder(spec, LABELS, hop=hop, spec_hop=100, window_length=200)
    for _ in range(1 + 400 // hop):
        found = tool.decode(row)
    expected = np.maximum(row, 1e-4) ** 3.0
    assert found.posterior == pytest.approx(expected / expected.sum(), abs=1e-4)
