"""Kept predictions: what is read is what was written, and a damaged file is one sentence."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.bundle.npz import read_npz, write_npz
from edgehar.models.errors import DataError
from edgehar.pipeline.evaluation.intervals import bootstrap_intervals
from edgehar.pipeline.evaluation.metrics import Scores, mean_and_deviation
from edgehar.pipeline.evaluation.predictions import Predictions, PredictionsOrigin, read_predictions

LABELS = ("walk", "sit", "stand")


def some_predictions(windows: int = 60, people: int = 5, seeds: int = 2, *, right: float = 0.7) -> Predictions:
    """Return predictions that are right so often."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, len(LABELS), windows)
    said = np.where(rng.random((seeds, windows)) < right, truth, rng.integers(0, len(LABELS), (seeds, windows)))
    subjects = np.array([f"S{index % people + 1}" for index in range(windows)])
    origin = PredictionsOrigin(
        "lstm",
        "walks",
        "00",
        "Pooled",
        "numpy",
        "NumPy",
        "weights.npz",
        "float32",
        LABELS,
        (0, 4)[:seeds],
        50,
        100,
        100.0,
    )
    return Predictions(
        origin,
        np.eye(len(LABELS), dtype=np.float32)[said],
        truth,
        np.arange(windows) * 50,
        np.zeros(windows, np.int64),
        subjects,
        np.char.add("recording-", subjects),
        np.char.add("subject-", subjects),
    )


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    made = some_predictions()
    made.save(tmp_path / "predictions.npz")
    for place in (tmp_path, tmp_path / "predictions.npz"):
        found = read_predictions(place)
        assert found.origin == made.origin
        for name in ("probabilities", "truth", "starts", "segment_starts", "subjects", "recordings", "folds"):
            np.testing.assert_array_equal(getattr(found, name), getattr(made, name))


def test_seeds_are_pooled_and_told_apart() -> None:
    made = some_predictions()
    scores = [Scores.of(LABELS, truth=made.truth, predicted=each.argmax(axis=1)) for each in made.probabilities]
    evaluation = made.evaluation()
    assert np.array_equal(evaluation.scores.confusion, sum(each.confusion for each in scores))
    assert [each["macro_f1"] for each in made.by_seed()] == [each.macro_f1 for each in scores]
    assert evaluation.test_subjects == ("S1", "S2", "S3", "S4", "S5")


@pytest.mark.parametrize("part", ["about", "probabilities", "truth", "subjects", "folds"])
def test_a_file_without_a_part_is_refused(tmp_path: Path, part: str) -> None:
    some_predictions().save(tmp_path / "p.npz")
    arrays = read_npz((tmp_path / "p.npz").read_bytes(), where="p.npz")
    (tmp_path / "p.npz").write_bytes(write_npz({name: value for name, value in arrays.items() if name != part}))
    with pytest.raises(DataError, match="expected predictions as har train writes them"):
        read_predictions(tmp_path / "p.npz")


def test_labels_beyond_the_names_are_refused(tmp_path: Path) -> None:
    made = some_predictions()
    for wrong in (
        replace(made, truth=made.truth + 1),
        replace(made, truth=made.truth[:-1]),
        replace(made, probabilities=made.probabilities[:1]),
        replace(made, probabilities=made.probabilities * np.float32(np.nan)),
    ):
        wrong.save(tmp_path / "p.npz")
        with pytest.raises(DataError, match="expected predictions as har train writes them"):
            read_predictions(tmp_path / "p.npz")


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 5000), byte=st.integers(0, 255))
def test_damage_is_no_other_error(tmp_path_factory: pytest.TempPathFactory, place: int, byte: int) -> None:
    file = tmp_path_factory.mktemp("damaged") / "p.npz"
    some_predictions().save(file)
    content = bytearray(file.read_bytes())
    content[place % len(content)] = byte
    file.write_bytes(content)
    with contextlib.suppress(DataError):
        read_predictions(file).evaluation()


def test_intervals_hold_the_figure_and_narrow_with_people() -> None:
    widths = []
    for people in (4, 40):
        made = some_predictions(windows=2000, people=people, seeds=1)
        intervals = bootstrap_intervals(made.per_subject())
        mean, _ = mean_and_deviation(each["macro_f1"] for each in made.by_seed())
        assert intervals.macro_f1[0] < mean < intervals.macro_f1[1]
        assert intervals.people == people
        widths.append(intervals.accuracy[1] - intervals.accuracy[0])
    assert widths[0] > 0


def test_the_interval_is_over_people_not_windows() -> None:
    """One person always right and one always wrong: whoever is drawn decides, however many windows there are."""
    rights = {"a": [0, 1] * 500, "b": [1, 0] * 500}
    people = {name: Scores.of(LABELS, truth=[0, 1] * 500, predicted=said) for name, said in rights.items()}
    assert bootstrap_intervals([people]).accuracy == (0.0, 1.0)


def test_macro_f1_of_a_draw_is_that_of_the_scores() -> None:
    made = some_predictions(people=1, seeds=1)
    (scores,) = made.per_subject()
    intervals = bootstrap_intervals([scores])
    assert intervals.macro_f1 == pytest.approx([scores["S1"].macro_f1] * 2)
    assert intervals.accuracy == pytest.approx([scores["S1"].accuracy] * 2)
