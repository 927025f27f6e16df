"""Models in a program: trained, saved, opened, compiled, judged, and asked."""

from pathlib import Path

import numpy as np
import pytest

import edgehar
from edgehar.models.errors import UsageError


@pytest.fixture(scope="module")
def recordings() -> edgehar.Dataset:
    """Three people who sit and walk."""
    generator, made = np.random.default_rng(0), []
    for person in "123":
        for activity, frequency_hz in (("Sitting", 0.0), ("Walking", 2.0)):
            seconds = np.arange(1200) / 100
            samples = np.zeros((1200, 3))
            samples[:, 2] = 1 + 0.4 * np.sin(2 * np.pi * frequency_hz * seconds)
            samples += generator.normal(scale=0.02, size=samples.shape)
            made.append(
                edgehar.recording_from_array(
                    samples, rate_hz=100, labels=activity, subject=person, recording_id=f"{person}-{activity}"
                )
            )
    return edgehar.dataset_from_recordings(made, name="three people")


@pytest.fixture(scope="module")
def training(recordings: edgehar.Dataset) -> edgehar.Training:
    """A model that was trained for a moment."""
    windows = edgehar.make_windows(recordings, hop=50)
    recipe = edgehar.default_recipe("simple_rnn").changed(batch_size=16)
    split = edgehar.split_by_subject(windows, ["3"])
    return edgehar.train(recordings, windows, split, recipe=recipe, epochs=2, progress=False)


def test_training_judges_on_people_never_seen(training: edgehar.Training) -> None:
    assert training.evaluation.test_subjects == ("3",)
    assert training.split.train_subjects == ("1", "2")
    assert len(training.history) == 2
    assert training.complete
    assert "never seen in training" in repr(training)


def test_what_was_saved_is_opened_and_gives_the_same(
    training: edgehar.Training, recordings: edgehar.Dataset, tmp_path: Path
) -> None:
    training.save(tmp_path / "model")
    assert {path.suffix for path in (tmp_path / "model" / "plots").iterdir()} == {".png", ".json"}
    judged = edgehar.evaluate(tmp_path / "model", recordings, hop=50)
    assert judged.headline()["accuracy"] == pytest.approx(training.evaluation.headline()["accuracy"])
    assert judged.test_subjects == ("3",)


def test_windows_of_any_kind_are_predicted_alike(training: edgehar.Training, recordings: edgehar.Dataset) -> None:
    windows = edgehar.make_windows(recordings)
    every = edgehar.predict(training.bundle, windows)
    assert every.shape == (len(windows), 2)
    np.testing.assert_allclose(every.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(edgehar.predict(training.bundle, windows.batch()[0]), every[:1], atol=1e-6)
    np.testing.assert_allclose(edgehar.predict(training.bundle, windows.batch()[:3].tolist()), every[:3], atol=1e-6)
    engine = edgehar.load_engine(training.bundle, "numpy")
    np.testing.assert_allclose(edgehar.predict(engine, windows), every, atol=1e-5)
    names = ("Sitting", "Walking")
    assert edgehar.classify(training.bundle, windows) == [names[index] for index in every.argmax(axis=1)]


def test_compiling_adds_files_and_changes_no_other(training: edgehar.Training, recordings: edgehar.Dataset) -> None:
    compiled = edgehar.compile(training.bundle, formats=["c"], quantizations=["int8"], recordings=recordings)
    before = {entry.file for entry in training.bundle.manifest.artifacts}
    assert {entry.file for entry in compiled.manifest.artifacts} == before | {"model.int8.harc"}
    with pytest.raises(UsageError, match=r"expected one of .*, or all alone, got 'int3'"):
        edgehar.compile(training.bundle, quantizations=["int3"])


def test_a_split_needs_its_windows(recordings: edgehar.Dataset) -> None:
    split = edgehar.split_by_subject(edgehar.make_windows(recordings))
    with pytest.raises(UsageError, match="expected the windows that the split is of"):
        edgehar.train(recordings, split=split)


def test_everything_has_a_picture(training: edgehar.Training, recordings: edgehar.Dataset) -> None:
    for subject in (recordings, recordings.recordings[0], training, training.evaluation):
        picture = edgehar.plot(subject)
        assert picture._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(TypeError, match="expected a Recording, Dataset, Training or Evaluation, got int"):
        edgehar.plot(3)
