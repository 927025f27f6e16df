"""The manifest: everything is written and read back, nothing is defaulted, and contradictions are refused."""

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.bundle import CompiledArtifact
from edgehar.models.bundle.manifest import Manifest, MetricsEntry, TensorSpec
from edgehar.models.bundle.manifest_json import manifest_from_json
from edgehar.models.errors import BundleError


@pytest.fixture(scope="module")
def manifest(random_bundle) -> Manifest:
    """A manifest with every kind of entry."""
    bundle = random_bundle("simple_rnn")
    tensor = TensorSpec("serving", "float32", (1, 200, 3), 0.0, 0)
    artifact = CompiledArtifact("model.tflite", "tflite", "float32", "direct", tensor, tensor, b"content")
    metrics = MetricsEntry(
        protocol="hold-out",
        engine="numpy",
        artifact="weights.npz",
        quantization="float32",
        train_subjects=("1", "2"),
        test_subjects=("3",),
        windows=10,
        accuracy=0.5,
        macro_f1=0.4,
        per_class_f1={"Sitting": 0.25},
    )
    return bundle.with_artifacts([artifact]).with_metrics([metrics]).manifest


@pytest.fixture(scope="module")
def data(manifest) -> dict[str, Any]:
    """The manifest as JSON data."""
    return json.loads(json.dumps(manifest.to_json()))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything inside a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inside = [place for key, item in entries for place in _places(item, (*path, key))]
    return ([path] if path else []) + inside


def _changed(data: dict[str, Any], path: tuple[Any, ...], change: Any) -> dict[str, Any]:
    """Return a copy with the value at a path replaced, or removed where ``change`` is `...`."""
    changed = copy.deepcopy(data)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    if change is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = change
    return changed


def test_json_gives_the_same_manifest_back(manifest, data):
    assert manifest_from_json(data) == manifest


def test_every_key_is_required(data):
    free_form = {("provenance", "versions"), ("provenance", "configuration"), ("metrics", 0, "per_class_f1")}
    checked = 0
    for path in _places(data):
        if isinstance(path[-1], int) or path[:-1] in free_form:
            continue
        with pytest.raises(BundleError, match=str(path[-1])):
            manifest_from_json(_changed(data, path, ...))
        checked += 1
    assert checked > 70


@pytest.mark.parametrize("schema", ["2.0", "0.9", "", "one", 10])
def test_another_schema_is_refused_whatever_else_is_there(data, schema):
    with pytest.raises(BundleError, match=r"expected schema 1\.x") as caught:
        manifest_from_json({"schema": schema})
    assert "Update edgehar" in str(caught.value)


def test_a_later_minor_schema_with_new_keys_is_read(data, manifest):
    assert manifest_from_json(data | {"schema": "1.7", "novelty": 1}).model_id == manifest.model_id


LATER = {
    "1.0": {"transitions", "stay_probability", "temperature", "push"},
    "1.1": {"stay_probability", "temperature", "push"},
}


@pytest.mark.parametrize("schema", LATER)
def test_a_manifest_of_an_earlier_schema_knew_less_of_decoders(schema, data, manifest):
    decoder = {key: value for key, value in data["decoder"].items() if key not in LATER[schema]}
    assert manifest_from_json(data | {"schema": schema, "decoder": decoder}).decoder == manifest.decoder
    with pytest.raises(BundleError, match="is missing"):
        manifest_from_json(data | {"schema": "1.2", "decoder": decoder})


PUSH = {
    "up": "Elevator Up",
    "down": "Elevator Down",
    "log_odds": 3.0,
    "smoothing_s": 0.5,
    "baseline_s": 20.0,
    "settling_s": 0.5,
    "longest_push_s": 4.0,
    "strong_g": 0.022,
    "weak_g": 0.008,
    "moving_g": 0.09,
    "jump_g": 0.12,
}


def test_a_push_is_read_and_none_of_its_keys_has_a_default(data):
    decoder = data["decoder"] | {"push": PUSH, "stay_probability": 0.93, "temperature": 1.25}
    read = manifest_from_json(data | {"decoder": decoder})
    assert json.loads(json.dumps(read.to_json()))["decoder"] == decoder
    for key in PUSH:
        less = {name: value for name, value in PUSH.items() if name != key}
        with pytest.raises(BundleError, match=f"push: the key '{key}' is missing"):
            manifest_from_json(data | {"decoder": decoder | {"push": less}})


@pytest.mark.parametrize(
    ("decoder", "complaint"),
    [
        ({"push": PUSH | {"up": "Flying"}}, "a push of two different labels of the model, got 'Flying'"),
        ({"push": PUSH | {"up": "Elevator Down"}}, "a push of two different labels of the model"),
        ({"push": PUSH | {"log_odds": 0.0}}, "log odds of a push above 0 and up to 30, got 0"),
        ({"push": PUSH | {"log_odds": 31.0}}, "log odds of a push above 0 and up to 30, got 31"),
        ({"push": PUSH | {"weak_g": 0.03}}, "a push with 0 < weak <= strong <= jump <= 16 g"),
        ({"push": PUSH | {"moving_g": 0.0}}, "movement above 0 g"),
        ({"push": PUSH | {"settling_s": 21.0}}, "settling before the baseline"),
        ({"push": PUSH | {"smoothing_s": -1.0}}, "times of a push above 0 and up to 3600 s"),
        ({"push": "on"}, "decoder: push: expected a object, got str"),
        ({"stay_probability": 0.05}, r"a probability of staying from 1/12 to below 1, or 0, got 0\.05"),
        ({"stay_probability": 1.0}, "a probability of staying from 1/12 to below 1, or 0, got 1"),
        ({"stay_probability": 0.9, "smoothing_windows": 3}, "either transitions or a mean over windows"),
        ({"temperature": 2.0}, "a temperature of a hidden Markov model, or 0, got 2"),
        ({"stay_probability": 0.9, "temperature": -1.0}, "a temperature of a hidden Markov model, or 0, got -1"),
    ],
)
def test_a_decoder_that_cannot_be_meant_is_refused(decoder, complaint, data):
    with pytest.raises(BundleError, match=complaint):
        manifest_from_json(data | {"decoder": data["decoder"] | decoder})


def test_a_decoder_is_a_mean_or_a_markov_model(data):
    still = [[float(row == column) for column in range(12)] for row in range(12)]
    decoder = data["decoder"] | {"transitions": still, "smoothing_windows": 1}
    assert manifest_from_json(data | {"decoder": decoder}).decoder.transitions[3][3] == 1.0
    with pytest.raises(BundleError, match="either transitions or a mean"):
        manifest_from_json(data | {"decoder": decoder | {"smoothing_windows": 4}})


@pytest.mark.parametrize("data", [None, [], "text", 3, {}])
def test_what_is_no_manifest_at_all_is_refused(data):
    with pytest.raises(BundleError, match="'schema' is missing"):
        manifest_from_json(data)


@pytest.mark.parametrize(
    ("path", "change", "complaint"),
    [
        (("labels",), ["Sitting"], "expected 12 labels, one per output of the architecture, got 1"),
        (("labels", 1), "Walking Forward", "labels that all differ"),
        (("labels", 1), "", "not empty"),
        (("labels", 1), 7, "expected a string"),
        (("window", "length"), 100, "expected windows of 200 samples, as the architecture has them, got 100"),
        (("window", "channels"), ["x", "y"], "expected 3 different channels"),
        (("window", "channels", 1), "x", "expected 3 different channels"),
        (("window", "hop"), 0, "expected a hop from 1 to 1,000,000 samples, got 0"),
        (("window", "rate_hz"), 0.0, "expected a rate from 0.01 to 100000 Hz, got 0"),
        (("window", "rate_hz"), math.nan, "rate_hz: expected a finite number, got nan"),
        (("window", "rate_hz"), 10**400, "rate_hz: expected a finite number, got 1000"),
        (("window", "rate_hz"), "100", "rate_hz: expected a number, got str"),
        (("window", "unit"), "m/s2", "motion in g and deg/s, or features as trained, got 'm/s2'"),
        (("normalization", "mean_g"), [0.0], "a mean and a deviation for each of 3 channels, got 1 and 3"),
        (("normalization", "std_g", 0), 0.0, "deviations above 0 g"),
        (("normalization", "std_g", 0), -1.0, "deviations above 0 g"),
        (("decoder", "smoothing_windows"), 0, "smoothing over 1 window or more"),
        (("decoder", "reject_below"), 1.5, "a probability to reject below, got 1.5"),
        (("decoder", "transitions"), [[1.0]], "expected 12 x 12 transitions, got 1 rows of"),
        (("decoder", "transitions"), [[0.1] * 12] * 12, "rows are probabilities and add up to 1"),
        (("decoder", "transitions"), [[2.0, -1.0] + [0.0] * 10] * 12, "rows are probabilities"),
        (("provenance", "complete"), 1, "expected a bool, got int"),
        (("provenance", "seed"), True, "expected a int, got bool"),
        (("artifacts", 0, "file"), "weights.npz", "every file to be named once"),
        (("artifacts", 0, "file"), "manifest.json", "every file to be named once"),
        (("artifacts", 0, "tolerance"), -1e-5, "a tolerance of model.tflite that is not negative"),
        (("artifacts", 0, "input", "shape"), "wrong", "shape: expected a list, got str"),
        (("metrics", 0, "per_class_f1", "Sitting"), math.inf, "expected a finite number, got inf"),
    ],
)
def test_what_contradicts_itself_is_refused_with_a_sentence(data, path, change, complaint):
    with pytest.raises(BundleError, match=complaint):
        manifest_from_json(_changed(data, path, change))


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=400)
@given(draw=st.data(), change=_ANYTHING | st.just(...))
def test_no_alteration_escapes_as_another_exception(data, draw, change):
    path = draw.draw(st.sampled_from(_places(data)))
    try:
        altered = manifest_from_json(_changed(data, path, change))
    except BundleError:
        return
    assert altered.architecture.window == altered.window.length
    assert len(altered.labels) == altered.architecture.classes
    assert manifest_from_json(json.loads(json.dumps(altered.to_json()))) == altered
