"""Models of Keras that skip masked steps: the import compares with Keras on inputs of which steps are masked."""

from typing import Any

import pytest

from edgehar.models.architecture import Embedding, Masking
from edgehar.models.errors import ModelFileError
from edgehar.pipeline.importers import import_model
from edgehar.pipeline.importers.keras_chain import read_chain

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning", "ignore:Layer .* does not support masking:UserWarning"
)


def stack(kl: Any) -> list[Any]:
    """Two layers, the last step of the second."""
    return [kl.Masking(0.5), kl.LSTM(4, return_sequences=True), kl.Dropout(0.3), kl.GRU(5), kl.Dense(3, "softmax")]


def every_step(kl: Any) -> list[Any]:
    """An output for every step, masked ones too."""
    return [kl.Dense(4), kl.Masking(), kl.SimpleRNN(4, return_sequences=True), kl.TimeDistributed(kl.Dense(2))]


def both_ways(kl: Any) -> list[Any]:
    """Sequences of both directions, then the last steps of both."""
    inner = kl.Bidirectional(kl.GRU(4, return_sequences=True), merge_mode="ave")
    return [kl.Masking(-1.0), inner, kl.Bidirectional(kl.LSTM(3)), kl.Dense(1, "sigmoid")]


def tokens(kl: Any) -> list[Any]:
    """The token 0 stands for nothing, in a walk backwards."""
    return [kl.Embedding(7, 4, mask_zero=True), kl.GRU(4, go_backwards=True), kl.Dense(2)]


@pytest.mark.parametrize("build", [stack, every_step, both_ways, tokens])
def test_masked_steps_are_skipped_as_keras_does(build: Any, keras: Any, lively: Any) -> None:
    inputs = keras.Input((9,) if build is tokens else (9, 3))
    model = lively(keras.Sequential([inputs, *build(keras.layers)]))
    (compared,) = import_model(model).manifest.provenance.configuration["imported"]["comparisons"]
    assert compared["max_abs_error"] <= 1e-5


@pytest.mark.parametrize("build", [stack, every_step, both_ways, tokens])
def test_a_functional_model_writes_how_it_computes_its_mask(build: Any, keras: Any, lively: Any, tmp_path: Any) -> None:
    """As operations beside the layers, in memory and in files: what the layers say is enough."""
    start = keras.Input((9,) if build is tokens else (9, 3))
    values = start
    for layer in build(keras.layers):
        values = layer(values)
    model = lively(keras.Model(start, values))
    path = tmp_path / "model.keras"
    model.save(path)
    expected = import_model(model)
    (compared,) = expected.manifest.provenance.configuration["imported"]["comparisons"]
    assert compared["max_abs_error"] <= 1e-5
    found = import_model(path)
    assert found.manifest.architecture.layers == expected.manifest.architecture.layers
    assert type(found.manifest.architecture.layers[1 if build is every_step else 0]) in (Masking, Embedding)
    (compared,) = found.manifest.provenance.configuration["imported"]["comparisons"]
    assert compared["max_abs_error"] <= 1e-5


def test_another_mask_than_that_of_the_layers_is_refused(keras: Any) -> None:
    kl = keras.layers
    start = keras.Input((9, 3))
    other = keras.ops.any(keras.ops.not_equal(start, 2.0), axis=-1)
    masked = kl.Masking(0.5)(start)
    for model in (
        keras.Model(start, kl.Dense(2)(kl.GRU(3, name="cells")(masked, mask=other))),
        keras.Model(start, kl.Dense(2)(kl.GRU(3, name="cells")(start, mask=other))),
    ):
        with pytest.raises(ModelFileError, match=r"layer cells .* takes a mask"):
            import_model(model, compare_with_source=False)
    ends = [kl.GRU(3)(masked), kl.LSTM(3)(masked)]
    with pytest.raises(ModelFileError, match="layer both is a Branches, which cannot leave out masked steps"):
        import_model(keras.Model(start, kl.Dense(2)(kl.Concatenate(name="both")(ends))), compare_with_source=False)


@pytest.mark.parametrize("kind", ["Conv1D(3, 2)", "GlobalAveragePooling1D()", "Flatten()"])
def test_a_layer_that_cannot_have_a_mask_is_refused_by_its_name(kind: str, keras: Any) -> None:
    name, arguments = kind[:-1].split("(")
    sizes = [int(each) for each in arguments.split(",") if each]
    behind = getattr(keras.layers, name)(*sizes, name="behind")
    model = keras.Sequential([keras.Input((9, 3)), keras.layers.Masking(), behind])
    with pytest.raises(ModelFileError, match=rf"layer behind is a {name}, which cannot leave out masked steps"):
        import_model(model, compare_with_source=False)


@pytest.mark.parametrize("value", [10**400, -(10**400), True, "0", None], ids=["huge", "low", "true", "text", "none"])
def test_a_mask_that_is_no_number_is_refused_in_a_sentence(value: Any) -> None:
    """JSON knows numbers that a float cannot hold."""
    calls: dict[str, list[Any]] = {
        "x": [],
        "masking": [{"args": [tensor("x")], "kwargs": {}}],
        "not_equal": [{"args": [tensor("x"), value], "kwargs": {}}],
        "lstm": [{"args": [tensor("masking")], "kwargs": {"mask": tensor("not_equal")}}],
    }
    kinds = {"x": "InputLayer", "masking": "Masking", "not_equal": "NotEqual", "lstm": "LSTM"}
    options: dict[str, Any] = {"x": {"batch_shape": [None, 4, 1]}, "masking": {"mask_value": value}}
    layers = [
        {
            "class_name": kinds[name],
            "name": name,
            "config": {"name": name, **options.get(name, {})},
            "inbound_nodes": call,
        }
        for name, call in calls.items()
    ]
    model = {"layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["lstm", 0, 0]]}
    with pytest.raises(ModelFileError):
        read_chain({"class_name": "Functional", "config": model}, where="x.keras")


def tensor(name: str) -> dict[str, Any]:
    """Return an output of a layer as Keras 3 writes it."""
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}
