"""Tuning: events are counted as they happened, streams keep their order in time, and the search finds what helps."""

import numpy as np
import pytest

from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.decoder import REJECTED, UNDECODED, Decoder
from edgehar.models.errors import DataError
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.tuning.events import event_scores
from edgehar.pipeline.tuning.search import SMOOTHINGS, decode, search, transitions
from edgehar.pipeline.tuning.streams import Stream, check_enough, streams_of


def noisy_stream(seed: int, *, subject: str = "1", wrong: float = 0.25, stay: int = 60) -> Stream:
    """Return somebody who does one of three things for a minute each; single windows are often wrong."""
    generator = np.random.default_rng(seed)
    truth = np.repeat(generator.permutation(np.tile(np.arange(3), 6)), stay)
    said = np.where(generator.random(len(truth)) < wrong, generator.integers(0, 3, len(truth)), truth)
    posteriors = np.full((len(truth), 3), 0.15, np.float32)
    posteriors[np.arange(len(truth)), said] = 0.7
    return Stream(subject, posteriors, truth.astype(np.int64), 1.0)


def test_what_a_person_notices_is_counted() -> None:
    truth = np.array([0] * 10 + [1] * 10 + [2] * 10)
    shown = truth.copy()
    shown[4] = 1
    shown[10:13] = 0
    shown[20:30] = REJECTED
    scores = event_scores([(truth, shown)], step_s=2.0)
    assert scores.hours == pytest.approx(60 / 3600)
    assert scores.switches_per_hour * scores.hours == pytest.approx(4)
    assert scores.true_switches_per_hour * scores.hours == pytest.approx(2)
    assert scores.false_activations_per_hour * scores.hours == pytest.approx(1)
    assert scores.delay_median_s == 6.0
    assert scores.missed == 0.5
    assert scores.wrong == pytest.approx(4 / 30)
    assert scores.unknown == pytest.approx(10 / 30)


def test_a_perfect_stream_costs_nothing() -> None:
    truth = np.repeat([0, 1, 0, 2], 5)
    assert event_scores([(truth, truth)], step_s=1.0).cost == 0.0


def test_the_search_finds_a_decoder_that_helps_strangers_too() -> None:
    undecoded, best = search([noisy_stream(seed) for seed in (1, 2)], hop=100, window_length=200)
    assert undecoded.spec == UNDECODED
    assert best.scores.cost < undecoded.scores.cost / 2
    stranger = [noisy_stream(9, subject="2")]
    raw, decoded = (decode(trial.spec, stranger, hop=100, window_length=200) for trial in (undecoded, best))
    assert decoded.false_activations_per_hour < raw.false_activations_per_hour / 4
    assert decoded.wrong < raw.wrong / 2


def test_a_model_that_is_never_wrong_is_left_alone() -> None:
    undecoded, best = search([noisy_stream(3, wrong=0.0)], hop=100, window_length=200)
    assert best.scores.cost == undecoded.scores.cost == 0.0
    assert best.spec == UNDECODED


@pytest.mark.parametrize("spec", [DecoderSpec(count, 0.4, 2) for count in SMOOTHINGS[1:3]])
def test_what_is_tuned_is_what_is_used_live(spec: DecoderSpec) -> None:
    stream = noisy_stream(4)
    live = Decoder(spec, ("a", "b", "c"), hop=100, spec_hop=100, window_length=200)
    names = {"a": 0, "b": 1, "c": 2, "unknown": REJECTED}
    shown = np.array([names[live.decode(row).label] for row in stream.posteriors])
    assert event_scores([(stream.truth, shown)], step_s=1.0) == decode(spec, [stream], hop=100, window_length=200)


def test_transitions_are_probabilities_that_rule_nothing_out() -> None:
    matrix = np.array(transitions([noisy_stream(5)], 4, stay_s=30.0))
    assert matrix.sum(axis=1) == pytest.approx(1.0)
    assert (matrix > 0).all()
    assert np.diag(matrix) == pytest.approx(1 - 1 / 30)


class Mean:
    """A model that says which of two levels a window has."""

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return certainty."""
        high = windows[:, :, 0].mean(axis=1) > 0.5
        return np.stack([~high, high], axis=1).astype(np.float32)


def test_streams_hold_every_window_of_each_person_in_time() -> None:
    def recording(name: str, subject: str, level: float, activity: str) -> Recording:
        samples = np.full((1000, 3), level, np.float32)
        return Recording(name, subject, samples, 100.0, (LabelInterval(0, 1000, activity),))

    parts = (
        recording("a", "1", 0.0, "still"),
        recording("b", "1", 1.0, "moving"),
        recording("c", "2", 1.0, "moving"),
    )
    windows = make_windows(Dataset("test", ("still", "moving"), parts), window_length=200, hop=100)
    one, two = streams_of(Mean(), windows, ("1", "2"))
    assert (one.subject, len(one.truth), two.subject, len(two.truth)) == ("1", 18, "2", 9)
    assert np.array_equal(one.posteriors.argmax(axis=1), one.truth)
    assert np.count_nonzero(np.diff(one.truth)) == 1, "segments stay whole"
    assert (one.step_s, one.hours) == (1.0, 18 / 3600)


def test_too_little_chooses_no_decoder() -> None:
    check_enough([noisy_stream(1)])
    whole = noisy_stream(1)
    short = Stream("1", whole.posteriors[55:65], whole.truth[55:65], 1.0)
    with pytest.raises(DataError, match=r"at least 120 s.*got 10 s with . changes: the decoder stays"):
        check_enough([short])
    still = Stream("1", whole.posteriors[:130], np.zeros(130, np.int64), 1.0)
    with pytest.raises(DataError, match="0 changes"):
        check_enough([still])


def test_recordings_the_model_makes_nothing_of_choose_no_decoder() -> None:
    whole = noisy_stream(1)
    wrong = Stream("1", whole.posteriors, (whole.truth + 1) % 3, 1.0)
    with pytest.raises(DataError, match=r"it is right in \d+% of their windows, chance in 33%: the decoder stays"):
        check_enough([wrong])
