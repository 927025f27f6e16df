"""Evaluation: any engine, any windows; pooled over models; as JSON and as a bundle keeps it."""

import json

import numpy as np
import pytest

from edgehar.pipeline.data.synthetic import synthetic_dataset
from edgehar.pipeline.data.windows import Windows, make_windows
from edgehar.pipeline.evaluation import Evaluation, evaluate_windows, pool_evaluations, predict_labels


class KnowingEngine:
    """Knows the labels of all windows, and gets those of one activity wrong."""

    name, runtime, artifact, quantization = "knowing", "knowing 1.0", "model.float32.tflite", "float32"

    def __init__(self, windows: Windows, *, wrong: int) -> None:
        self._known = {window.tobytes(): label for window, label in zip(windows.batch(), windows.labels, strict=True)}
        self._wrong, self.calls = wrong, 0

    def predict(self, windows: np.ndarray) -> np.ndarray:
        self.calls += 1
        labels = np.array([self._known[window.tobytes()] for window in windows])
        labels[labels == self._wrong] = 0
        return np.eye(12, dtype=np.float32)[labels]


@pytest.fixture(scope="module")
def windows() -> Windows:
    return make_windows(synthetic_dataset(people=3, seconds_per_activity=44), hop=20)


@pytest.fixture
def engine(windows: Windows) -> KnowingEngine:
    return KnowingEngine(windows, wrong=2)


@pytest.fixture
def evaluation(windows: Windows, engine: KnowingEngine) -> Evaluation:
    return evaluate_windows(
        engine, windows, np.arange(len(windows)), protocol="Judged on everybody", train_subjects=["9"]
    )


def test_labels_come_in_the_order_asked_for(windows: Windows, engine: KnowingEngine) -> None:
    chosen = np.random.default_rng(0).permutation(len(windows))
    expected = np.where(windows.labels[chosen] == 2, 0, windows.labels[chosen])
    assert np.array_equal(predict_labels(engine, windows, chosen), expected)
    assert engine.calls > 1


def test_figures(evaluation: Evaluation, windows: Windows) -> None:
    scores = evaluation.scores
    assert scores.accuracy == pytest.approx(11 / 12)
    assert scores.per_class_f1["Walking Right"] == 0
    assert scores.per_class_f1["Walking Forward"] == pytest.approx(2 / 3)
    assert scores.per_class_f1["Sleeping"] == 1
    assert evaluation.test_subjects == ("1", "2", "3")
    assert {name: each.windows for name, each in evaluation.per_subject.items()} == {
        name: int((windows.subjects == name).sum()) for name in ("1", "2", "3")
    }


def test_json_is_complete_and_plain(evaluation: Evaluation) -> None:
    data = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))
    assert data["windows"] == sum(each["windows"] for each in data["per_subject"].values())
    assert data["windows"] == sum(map(sum, data["confusion"]))
    assert data["accuracy"] == pytest.approx(11 / 12)
    assert list(data["per_class_f1"]) == data["labels"]
    assert (data["engine"], data["artifact"]) == ("knowing", "model.float32.tflite")
    assert data["subjects_mean"]["accuracy"] == pytest.approx(11 / 12)
    assert data["subjects_sd"]["accuracy"] == pytest.approx(0, abs=1e-9)


def test_a_bundle_keeps_the_same_figures(evaluation: Evaluation) -> None:
    entry = evaluation.metrics_entry()
    assert (entry.accuracy, entry.macro_f1) == (evaluation.scores.accuracy, evaluation.scores.macro_f1)
    assert (entry.train_subjects, entry.test_subjects) == (("9",), ("1", "2", "3"))


def test_pooling_models_judges_everybody_once(windows: Windows, engine: KnowingEngine, evaluation: Evaluation) -> None:
    parts = [
        evaluate_windows(
            engine, windows, np.flatnonzero(windows.subjects == name), protocol="part", train_subjects=["8", name]
        )
        for name in ("3", "1", "2")
    ]
    pooled = pool_evaluations(parts, protocol="Pooled")
    assert pooled.protocol == "Pooled"
    assert np.array_equal(pooled.scores.confusion, evaluation.scores.confusion)
    assert pooled.test_subjects == ("1", "2", "3")
    assert pooled.train_subjects == ("1", "2", "3", "8")
