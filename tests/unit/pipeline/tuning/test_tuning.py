"""Tuning: events are counted as they happened, streams keep their order in time, and the search finds what helps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.contract import ACTIVITIES
from edgehar.models.decoder import REJECTED, UNDECODED, Decoder, Dwell, redistribute
from edgehar.models.decoder.filtering import evidence_weight
from edgehar.models.decoder.markov import MarkovFilter, uniform_transitions
from edgehar.models.errors import DataError
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.tuning.continuous import score_streams
from edgehar.pipeline.tuning.events import event_scores
from edgehar.pipeline.tuning.roles import first_decoder, push_of
from edgehar.pipeline.tuning.scores import confusion_of, macro_f1_of
from edgehar.pipeline.tuning.search import SMOOTHINGS, Grid, judge, search
from edgehar.pipeline.tuning.streams import Stream, check_enough, streams_of
from edgehar.pipeline.tuning.whole_streams import dwelt, forward_together, redistributed


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


def test_a_stream_without_a_change_has_no_delay() -> None:
    scores = event_scores([(np.zeros(5, np.int64), np.array([0, 1, 0, 0, 0]))], step_s=1.0)
    assert (scores.true_switches_per_hour, scores.missed, scores.delay_median_s, scores.wrong) == (0.0, 0.0, 0.0, 0.2)


def grid(*streams: Stream, labels: tuple[str, ...] = ("a", "b", "c"), push: PushSpec | None = None) -> Grid:
    """Return streams of windows of 200 samples, a hop of 100 apart, to be searched."""
    return Grid(streams, labels, 100, 200, push)


def test_the_search_finds_a_decoder_that_helps_strangers_too() -> None:
    choice = search(grid(*(noisy_stream(seed) for seed in (1, 2))))
    assert choice.undecoded.spec == UNDECODED
    assert choice.best.scores.cost < choice.undecoded.scores.cost / 2
    assert choice.best.macro_f1 >= choice.undecoded.macro_f1
    assert choice.improves_on(choice.undecoded)
    assert not choice.improves_on(choice.best), "what is there already is not replaced by itself"
    stranger = grid(noisy_stream(9, subject="2"))
    raw, decoded = (judge(trial.spec, stranger).scores for trial in (choice.undecoded, choice.best))
    assert decoded.false_activations_per_hour < raw.false_activations_per_hour / 4
    assert decoded.wrong < raw.wrong / 2


def test_a_model_that_is_never_wrong_is_left_alone() -> None:
    choice = search(grid(noisy_stream(3, wrong=0.0)))
    assert choice.best.scores.cost == choice.undecoded.scores.cost == choice.cost == 0.0
    assert choice.best.spec == UNDECODED
    assert not choice.improves_on(choice.undecoded)


def test_one_persons_liking_does_not_convince_the_others() -> None:
    """Cross-validation judges each by what the others chose: what helps one of two people alone is not believed."""
    jumpy, quick = noisy_stream(1, wrong=0.3), noisy_stream(2, wrong=0.0, stay=3)
    choice = search(grid(jumpy, quick))
    alone = sum(search(grid(stream)).best.scores.cost * stream.hours for stream in (jumpy, quick))
    assert choice.cost * (jumpy.hours + quick.hours) > alone


def test_elevators_are_told_apart_where_that_helps_and_not_where_it_harms() -> None:
    push = PushSpec("a", "b")
    whole = noisy_stream(6, wrong=0.0)
    unsure = whole.posteriors.copy()
    unsure[np.isin(whole.truth, (0, 1))] = (0.45, 0.45, 0.1)
    right = np.choose(whole.truth, [1, -1, 0]).astype(np.int8)
    for sign, helps in ((1, True), (-1, False)):
        stream = replace(whole, posteriors=unsure, directions=(sign * right).astype(np.int8))
        choice = search(grid(stream, push=push))
        assert (choice.best.spec.push is not None) == helps
        if helps:
            assert choice.best.macro_f1 == 1.0
    nobody_rides = replace(whole, directions=np.zeros(len(right), np.int8))
    best = search(grid(nobody_rides, push=push)).best.spec
    assert best == replace(UNDECODED, push=push), "recordings without elevators do not switch their detector off"


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=60), st.integers(1, 6))
def test_dwell_of_a_whole_stream_is_dwell(labels: list[int], windows: int) -> None:
    hold = Dwell(windows)
    assert dwelt(np.array(labels), windows).tolist() == [hold.feed(label) for label in labels]


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 0.99), st.floats(0.1, 1.0))
def test_forward_of_streams_together_is_the_filter_of_each(seed: int, stay: float, weight: float) -> None:
    generator = np.random.default_rng(seed)
    streams = [generator.dirichlet([0.3] * 3, size=count) for count in (1, 7, 12)]
    matrix = uniform_transitions(3, stay, 1.0)
    for rows, found in zip(streams, forward_together(streams, matrix, weight=weight), strict=True):
        smooth = MarkovFilter(matrix, weight=weight)
        expected = [each for row in rows for each in smooth.feed(row)]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_the_push_of_a_whole_stream_is_that_of_each_window(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.dirichlet([0.3] * 4, size=9)
    rows[0, 1:3] = 0.0
    odds = 3.0 * generator.integers(-1, 2, 9)
    found = redistributed(rows, up=1, down=2, log_odds=odds)
    expected = [redistribute(row, up=1, down=2, log_odds=each) for row, each in zip(rows, odds.tolist(), strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_all_streams_of_a_person_choose_together_and_never_for_themselves() -> None:
    jumpy, quick = noisy_stream(1, wrong=0.3), noisy_stream(2, wrong=0.0, stay=3)
    twice = [replace(jumpy, subject="1"), replace(jumpy, subject="1"), replace(quick, subject="2")]
    choice = search(grid(*twice))
    assert choice.of_others[0] == choice.of_others[1]
    alone = search(grid(quick, replace(quick, subject="3"))).best.spec
    assert choice.of_others[0] == alone


def test_within_what_is_lost_of_the_best_macro_f1_the_least_cost_is_chosen() -> None:
    streams = grid(*(noisy_stream(seed, subject=str(seed)) for seed in (1, 2, 3)))
    most = search(streams, most_f1_lost=0.0).best
    near = search(streams, most_f1_lost=0.02).best
    assert near.macro_f1 >= most.macro_f1 - 0.02
    assert near.scores.cost <= most.scores.cost


SPECS = [
    *(DecoderSpec(count, 0.4, 2) for count in SMOOTHINGS[1:3]),
    DecoderSpec(1, 0.5, 2, (), 0.95, 1.5, PushSpec("a", "b")),
]


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_tuned_is_what_is_used_live(spec: DecoderSpec) -> None:
    stream = noisy_stream(4)
    directions = np.random.default_rng(4).integers(-1, 2, len(stream.truth)).astype(np.int8)
    stream = replace(stream, directions=directions)
    live = Decoder(spec, ("a", "b", "c"), hop=100, spec_hop=100, window_length=200)
    names = {"a": 0, "b": 1, "c": 2, "unknown": REJECTED}
    pairs = zip(stream.posteriors, directions.tolist(), strict=True)
    shown = np.array([names[live.decode(row, direction).label] for row, direction in pairs])
    assert event_scores([(stream.truth, shown)], step_s=1.0) == judge(spec, grid(stream)).scores


def test_a_pair_of_elevators_is_known_by_its_names_alone() -> None:
    assert push_of(ACTIVITIES) == PushSpec("Elevator Up", "Elevator Down")
    assert first_decoder(ACTIVITIES, hop_s=1.0).push is not None
    for labels in (("a", "b"), ("Elevator Up", "b"), ("elevator up", "elevator down")):
        assert push_of(labels) is None
        assert first_decoder(labels, hop_s=1.0) == UNDECODED


@given(hop=st.integers(1, 3000))
def test_a_model_just_trained_spans_the_same_time_at_every_hop(hop: int) -> None:
    spec = first_decoder(ACTIVITIES, hop_s=hop / 100)
    weight = evidence_weight(spec, hop=hop, spec_hop=hop, window_length=200)
    assert weight == pytest.approx(min(1.0, 0.8 * hop / 100)), "evidence adds up by time, not by windows"
    assert 1 / len(ACTIVITIES) <= spec.stay_probability < 1
    assert 1 - spec.stay_probability == pytest.approx(min(hop / 1000, 1 - 1 / len(ACTIVITIES)))


@given(st.integers(0, 999))
def test_macro_f1_is_the_one_of_the_textbook(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, shown = generator.integers(0, 4, 40), generator.integers(-1, 3, 40)
    every = []
    for label in set(truth.tolist()) | (set(shown.tolist()) - {REJECTED}):
        hits = np.count_nonzero((truth == label) & (shown == label))
        every.append(2 * hits / (np.count_nonzero(truth == label) + np.count_nonzero(shown == label)))
    assert macro_f1_of(confusion_of(truth, shown, 4)) == pytest.approx(np.mean(every))


class Mean:
    """A model that says which of two levels a window has."""

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return certainty."""
        high = windows[:, :, 0].mean(axis=1) > 0.5
        return np.stack([~high, high], axis=1).astype(np.float32)


def dataset_of(*parts: tuple[str, str, float, str]) -> Dataset:
    """Return recordings of ten seconds: name, subject, level of the first axis, activity."""
    recordings = tuple(
        Recording(name, subject, np.full((1000, 3), level, np.float32), 100.0, (LabelInterval(0, 1000, activity),))
        for name, subject, level, activity in parts
    )
    return Dataset("test", ("still", "moving", "flying"), recordings)


def test_streams_string_each_persons_recordings_together() -> None:
    dataset = dataset_of(("a", "1", 0.0, "still"), ("b", "1", 1.0, "moving"), ("c", "2", 1.0, "moving"))
    windows = make_windows(dataset, window_length=200, hop=100)
    one, two = streams_of(Mean(), windows, ("1", "2", "nobody"))
    assert (one.subject, len(one.truth), two.subject, len(two.truth)) == ("1", 19, "2", 9)
    assert np.count_nonzero(np.diff(one.truth)) == 1, "recordings stay whole"
    assert (one.step_s, one.hours) == (1.0, 19 / 3600)
    # One window of two seconds lies across the joint; its truth is that of its last sample.
    assert one.joined is not None
    assert np.flatnonzero(one.joined).tolist() == [9]
    assert one.truth[9] == one.truth[10] != one.truth[8]
    assert np.array_equal(one.posteriors.argmax(axis=1)[~one.joined], one.truth[~one.joined])
    assert one.directions is None


@given(seed=st.integers(0, 99))
def test_the_order_is_the_seeds_and_nothing_is_lost(seed: int) -> None:
    parts = [(f"r{k}", "1", float(k % 2), ("still", "moving")[k % 2]) for k in range(7)]
    windows = make_windows(dataset_of(*parts), window_length=200, hop=100)
    (one,), (again,) = (streams_of(Mean(), windows, ("1",), seed=seed) for _ in range(2))
    assert np.array_equal(one.truth, again.truth)
    assert np.array_equal(one.posteriors, again.posteriors)
    assert len(one.truth) == (7 * 1000 - 200) // 100 + 1
    assert np.count_nonzero(one.truth) == pytest.approx(30, abs=1)


def test_a_stream_is_scored_with_and_without_its_joints() -> None:
    whole = noisy_stream(1, wrong=0.0)
    joined = np.zeros(len(whole.truth), np.bool_)
    joined[::10] = True
    shown = np.where(joined, REJECTED, whole.truth)
    scores = score_streams([replace(whole, joined=joined)], [shown], classes=3)
    assert scores.macro_f1 == 1.0, "a window that holds two activities has no single truth"
    assert scores.every_window_macro_f1 == pytest.approx(2 * 9 / (9 + 10), abs=0.01)
    assert scores.every_window.sum() - scores.confusion.sum() == np.count_nonzero(joined)
    assert scores.events.unknown == pytest.approx(0.1)


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


def test_an_activity_that_was_never_learned_is_rightly_called_unknown() -> None:
    truth, shown = np.array([0, 0, REJECTED, REJECTED, 1, 1]), np.array([0, REJECTED, REJECTED, 1, 1, 1])
    scores = score_streams([Stream("1", np.zeros((6, 2), np.float32), truth, 1.0)], [shown], classes=2)
    assert (scores.unlearned_windows, scores.unlearned_unknown) == (2, 0.5)
    assert (scores.events.unknown, scores.events.wrong) == (pytest.approx(1 / 6), pytest.approx(1 / 6))
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1) / 2), "F1 is of what was learned"


def test_streams_hold_activities_that_the_model_has_no_label_for() -> None:
    parts = (("a", "1", 0.0, "still"), ("b", "1", 1.0, "moving"), ("c", "1", 2.0, "flying"))
    windows = make_windows(dataset_of(*parts), window_length=200, hop=100)
    (one,) = streams_of(Mean(), windows, ("1",))
    assert set(one.truth.tolist()) == {0, 1, REJECTED}
    assert np.count_nonzero(one.truth == REJECTED) == pytest.approx(9, abs=1)
