"""Models whose outputs are not one label of several: written, read, and refused where activities are recognised."""

import dataclasses
import json

import numpy as np
import pytest

from edgehar import classify
from edgehar.models.agreement import agreement
from edgehar.models.architecture import LSTM, Architecture, Dense, named_architecture
from edgehar.models.bundle.manifest_json import manifest_from_json
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.bundle.tasks import MULTICLASS, MULTILABEL, REGRESSION, task_of
from edgehar.models.errors import BundleError, UsageError


def with_task(manifest, task):
    return dataclasses.replace(manifest, task=task)


@pytest.mark.parametrize(
    ("activation", "task"), [("softmax", MULTICLASS), ("sigmoid", MULTILABEL), ("linear", REGRESSION)]
)
def test_the_last_activation_tells_the_task(activation, task):
    assert task_of(Architecture("x", 10, 3, (LSTM("a", 4), Dense("b", 3, activation)))) == task


@pytest.mark.parametrize("task", [MULTICLASS, MULTILABEL, REGRESSION])
def test_a_task_is_written_and_read(random_bundle, task):
    manifest = with_task(random_bundle("simple_rnn").manifest, task)
    data = json.loads(json.dumps(manifest.to_json()))
    assert ("task" in data) == (task != MULTICLASS), "earlier versions read what they always read"
    assert manifest_from_json(data) == manifest


def test_a_task_that_is_none_is_refused(random_bundle):
    data = random_bundle("simple_rnn").manifest.to_json() | {"task": "guessing"}
    with pytest.raises(BundleError, match="expected a task of multiclass, multilabel, regression, got 'guessing'"):
        manifest_from_json(data)


def test_a_model_of_activities_may_be_used(random_bundle):
    check_recognises_activities(random_bundle("lstm").manifest, for_what="live")


def test_other_models_are_refused_where_activities_are_recognised(random_bundle):
    manifest = random_bundle("lstm").manifest
    every_step = Architecture("x", 10, 3, (LSTM("a", 4, True), Dense("b", 12, "softmax")))
    features = dataclasses.replace(manifest.window, unit="as trained")
    for other, words in (
        (with_task(manifest, REGRESSION), "gives the outputs of a regression model"),
        (dataclasses.replace(manifest, architecture=every_step), "a label for each of 10 steps"),
        (dataclasses.replace(manifest, window=features), "takes 3 features, as trained"),
    ):
        with pytest.raises(UsageError, match=f"live: expected a model that gives one label .*{words}"):
            check_recognises_activities(other, for_what="live")


def test_numbers_are_not_classified(random_bundle):
    bundle = random_bundle("simple_rnn")
    other = dataclasses.replace(bundle, manifest=with_task(bundle.manifest, REGRESSION))
    with pytest.raises(UsageError, match="expected a model that gives one label for a window"):
        classify(other, bundle.golden["windows"])


def test_agreement_of_labels_by_themselves_is_about_one_half():
    oracle, outputs = np.array([[0.6, 0.4], [0.2, 0.9]]), np.array([[0.4, 0.4], [0.2, 0.9]])
    assert agreement(outputs, oracle, task=MULTILABEL).agreement == 0.75
    assert agreement(outputs, oracle, task=REGRESSION).agreement == 1.0


def test_the_error_of_a_large_number_is_a_share_of_it():
    found = agreement(np.array([[1001.0], [0.1]]), np.array([[1000.0], [0.1]]), task=REGRESSION)
    assert found.error == pytest.approx(1e-3)
    assert found.mean_error == pytest.approx(5e-4)


def test_the_named_models_are_classifiers():
    assert task_of(named_architecture("attention")) == MULTICLASS
