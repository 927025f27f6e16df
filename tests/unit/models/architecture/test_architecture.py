"""Architectures are data: counted, written as JSON, read back, refused where they do not hold together."""

import json

import numpy as np
import pytest

from edgehar.models.architecture import (
    ACTIVATION_NAMES,
    ARCHITECTURE_NAMES,
    GRU,
    LAYER_TYPES,
    LSTM,
    MAXIMUM_SIZE,
    Activation,
    Affine,
    Architecture,
    AveragePooling1D,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    LayerNormalization,
    Masking,
    MaxPooling1D,
    RepeatVector,
    Reshape,
    Reverse,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
    layer_weights,
    named_architecture,
)
from edgehar.models.errors import BundleError, UsageError
from edgehar.models.reference import ACTIVATIONS, forward, supports


@pytest.mark.parametrize(("name", "parameters"), [("simple_rnn", 3628), ("lstm", 13324), ("gru", 10284)])
def test_the_named_architectures_have_the_parameters_of_the_course(name, parameters):
    assert named_architecture(name).parameter_count == parameters


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("simple_rnn", ["RNN_1", "RNN_2", "Output"]),
        ("lstm", ["LSTM_1", "LSTM_2", "Output"]),
        ("gru", ["GRU_1", "GRU_2", "Output"]),
    ],
)
def test_layers_have_the_names_of_the_course(name, layers):
    assert [layer.name for layer in named_architecture(name).layers] == layers


def test_shapes_follow_the_window_through_the_layers():
    architecture = named_architecture("lstm", classes=5, window=50, channels=6)
    assert architecture.shapes() == [(50, 6), (50, 32), (32,), (5,)]
    assert architecture.classes == 5
    assert architecture.is_recurrent


def test_weight_shapes_are_those_of_keras():
    shapes = named_architecture("gru").weight_shapes()
    assert list(shapes) == [
        f"{layer}/{weight}" for layer in ("GRU_1", "GRU_2") for weight in ("kernel", "recurrent_kernel", "bias")
    ] + ["Output/kernel", "Output/bias"]
    assert shapes["GRU_1/kernel"] == (3, 96)
    assert shapes["GRU_1/bias"] == (2, 96)


def test_a_gru_without_reset_after_has_one_row_of_biases():
    assert GRU("g", 8, reset_after=False).weight_shapes((10, 3))["bias"] == (24,)


def test_layer_weights_are_told_apart_by_the_whole_name():
    weights = {"RNN_1/kernel": 1, "RNN_10/kernel": 2}
    assert layer_weights(SimpleRNN("RNN_1", 4), weights) == {"kernel": 1}


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_json_gives_the_same_architecture_back(name):
    architecture = named_architecture(name)
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


def test_an_unknown_name_is_wrong_usage():
    with pytest.raises(UsageError, match=r"expected one of majority, .*, lstm, .*, got 'transformer'") as caught:
        named_architecture("transformer")
    assert caught.value.exit_code == 2


EXAMPLES = (
    SimpleRNN("layer", 4),
    LSTM("layer", 4),
    GRU("layer", 4, return_sequences=True),
    Bidirectional("layer", "LSTM", 4, return_sequences=True),
    Dense("layer", 4),
    Conv1D("layer", 5, 3, "relu", "causal", 2),
    MaxPooling1D("layer", 3),
    GlobalAveragePooling1D("layer"),
    GlobalMaxPooling1D("layer"),
    Flatten("layer"),
    Dropout("layer", 0.5),
    TemporalBlock("layer", 6, 3, 2),
    SelfAttention("layer", 5),
    AveragePooling1D("layer", 3, strides=2, padding="same"),
    Activation("layer", "leaky_relu", 0.1),
    Affine("layer"),
    LayerNormalization("layer", 1e-3),
    Reverse("layer"),
    Masking("layer", 0.5),
    RepeatVector("layer", 5),
    Reshape("layer", 16, 2),
    Embedding("layer", 20, 3),
    Branches("layer", "concat", ((LSTM("one", 4, True), Dense("two", 2)), (), (SelfAttention("three", 2, heads=3),))),
)


@pytest.mark.parametrize("layer_type", LAYER_TYPES.values())
def test_the_oracle_knows_every_layer(layer_type):
    layer = next(layer for layer in EXAMPLES if type(layer) is layer_type)
    before = (Flatten("before"),) if layer_type is RepeatVector else ()
    channels = 1 if layer_type is Embedding else 4
    architecture = Architecture("one", 8, channels, (*before, layer))
    assert supports(layer)
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture
    weights = {name: np.zeros(shape, np.float32) for name, shape in architecture.weight_shapes().items()}
    outputs = forward(architecture, weights, np.zeros((2, 8, channels), np.float32))
    assert outputs.shape == (2, *architecture.shapes()[-1])


def test_the_oracle_knows_every_activation():
    assert set(ACTIVATION_NAMES) == set(ACTIVATIONS)


def _json(**changes):
    return named_architecture("lstm").to_json() | changes


def _with_layer(**changes):
    layers = named_architecture("lstm").to_json()["layers"]
    return _json(layers=[layers[0] | changes, *layers[1:]])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"name": "x", "window": 1, "channels": 1}, "the key 'layers' is missing"),
        (_json(window="200"), "expected a count from 1 to 65,536 for window, got '200'"),
        (_json(window=200.5), "for window, got 200.5"),
        (_json(window=True), "for window, got True"),
        (_json(channels=0), "for channels, got 0"),
        (_json(channels=MAXIMUM_SIZE + 1), "for channels, got 65537"),
        (_json(name=None), "expected a str for name, got None"),
        (_json(layers=[]), "end in a vector"),
        (_json(layers=None), "fit one another"),
        (_json(layers=["LSTM"]), "fit one another"),
        (_with_layer(kind="Mamba"), "expected a layer of SimpleRNN, LSTM, GRU, .*, got 'Mamba'"),
        (_with_layer(units="32"), "LSTM: expected a count from 1 to 65,536 for units, got '32'"),
        (_with_layer(units=-1), "for units, got -1"),
        (_with_layer(return_sequences=1), "expected a bool for return_sequences, got 1"),
        (_with_layer(return_sequences=False), "fit one another"),
        (_with_layer(name="LSTM_2"), "different names"),
        (_with_layer(dropout=0.5), r"unknown keys \['dropout'\]"),
    ],
)
def test_what_does_not_hold_together_is_refused_with_a_sentence(data, complaint):
    with pytest.raises(BundleError, match=complaint):
        Architecture.from_json(data)


@pytest.mark.parametrize(
    ("name", "changes", "complaint"),
    [
        ("cnn", {"padding": "reflect"}, "expected a padding of valid, same, causal, got 'reflect'"),
        ("cnn", {"activation": "mine"}, "expected an activation of linear, .*, got 'mine'"),
        ("cnn", {"kernel_size": 201}, "Conv_1 sees 201 steps, there are 200"),
        ("bi_gru", {"cell": "Dense"}, "expected a cell of SimpleRNN, LSTM, GRU, got 'Dense'"),
    ],
)
def test_what_a_layer_cannot_be_is_refused_with_a_sentence(name, changes, complaint):
    data = named_architecture(name).to_json()
    data["layers"][0] |= changes
    with pytest.raises(BundleError, match=complaint):
        Architecture.from_json(data)


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan"), 1, "0.5"])
def test_a_dropout_rate_is_a_share(rate):
    data = named_architecture("dense").to_json()
    data["layers"][2]["rate"] = rate
    with pytest.raises(BundleError, match="Dropout: expected a share from 0 to below 1 for rate"):
        Architecture.from_json(data)


def test_parameters_of_the_family_are_those_keras_counts():
    counts = {name: named_architecture(name).parameter_count for name in ARCHITECTURE_NAMES}
    assert counts == {
        "majority": 48,
        "dense": 19_628,
        "simple_rnn": 3_628,
        "lstm": 13_324,
        "gru": 10_284,
        "stacked_gru": 16_620,
        "bi_gru": 7_884,
        "cnn": 16_748,
        "cnn_gru": 7_244,
        "tcn": 19_908,
        "attention": 5_132,
    }


def test_a_missing_layer_key_is_named():
    data = named_architecture("simple_rnn").to_json()
    del data["layers"][1]["units"]
    with pytest.raises(BundleError, match="the key 'units' is missing") as caught:
        Architecture.from_json(data)
    assert caught.value.details == {"key": "units"}


def test_an_unknown_activation_is_refused_before_anything_is_computed():
    data = named_architecture("simple_rnn").to_json()
    data["layers"][2]["activation"] = "swish"
    with pytest.raises(BundleError, match=r"expected an activation of linear, relu, tanh, .*, got 'swish'"):
        Architecture.from_json(data)


def test_a_cell_takes_no_activation_of_several_numbers_together():
    data = named_architecture("lstm").to_json()
    data["layers"][0]["recurrent_activation"] = "softmax"
    with pytest.raises(BundleError, match=r"LSTM: expected a recurrent_activation of linear, .*, got 'softmax'"):
        Architecture.from_json(data)


def test_an_output_for_every_step_is_told_by_its_shape():
    layers = (LSTM("a", 4, return_sequences=True), Dense("b", 3, "softmax"))
    found = Architecture.from_json(Architecture("x", 10, 3, layers).to_json())
    assert found.output_shape == (10, 3)
    assert found.classes == 3


def test_what_earlier_versions_did_not_know_is_written_only_where_it_is_used():
    plain, other = LSTM("layer", 4), LSTM("layer", 4, activation="relu")
    entries = [Architecture("x", 10, 3, (layer,)).to_json()["layers"][0] for layer in (plain, other)]
    assert entries[0] == {"kind": "LSTM", "name": "layer", "units": 4, "return_sequences": False}
    assert entries[1] == entries[0] | {"activation": "relu"}


@pytest.mark.parametrize(
    ("layers", "window", "expected"),
    [
        ((Dense("D", 5), Flatten("F")), 7, 7 * 5),
        ((Conv1D("C", 2, 5),), 20, 16 * 5 * 3),
        ((Conv1D("C", 2, 3, dilation=9, padding="causal"),), 20, 20 * 3 * 3),
        ((Conv1D("C", 1, 2, dilation=100, padding="causal"),), 20, 120 * 3),
        ((SelfAttention("A", 4),), 50, 50 * 50),
        ((SelfAttention("A", 90),), 50, 50 * 90),
        ((LSTM("L", 6),), 10, 10 * 4 * 6),
        ((Bidirectional("B", "GRU", 6),), 10, 10 * 3 * 6),
        ((TemporalBlock("T", 8, 3, 1),), 10, 10 * 3 * 8),
    ],
)
def test_memory_is_counted_inside_layers_too(layers, window, expected):
    assert Architecture("x", window, 3, layers).most_numbers == expected


@pytest.mark.parametrize(
    "layers",
    [
        (LSTM("L", 4096),),
        (Conv1D("C", 1, 2, "linear", "causal", 65_536), Flatten("F"), Dense("D", 2)),
        (Conv1D("C", 1, 60_000, "linear", "same"), Flatten("F"), Dense("D", 2)),
        (SelfAttention("A", 1), GlobalAveragePooling1D("M")),
    ],
)
def test_an_architecture_made_to_exhaust_memory_is_refused(layers):
    architecture = Architecture("x", 65_536, 3 * 128, layers)
    with pytest.raises(BundleError, match="expected at most"):
        Architecture.from_json(architecture.to_json())


def test_the_course_s_models_are_far_below_the_limits():
    for name in ARCHITECTURE_NAMES:
        architecture = named_architecture(name)
        assert architecture.most_numbers < 200_000
        assert Architecture.from_json(architecture.to_json()) == architecture
