"""Models with branches, attention or tokens: what of them is refused, and by which sentence."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import edgehar
from edgehar.models.architecture import Architecture, Dense, Embedding, Flatten
from edgehar.models.errors import BundleError, DataError, ModelFileError
from edgehar.pipeline.importers import import_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def crossing(kl: Any, inputs: Any) -> Any:
    """Two ways that exchange what they have on the way."""
    left, right = kl.Dense(4)(inputs), kl.Dense(4)(inputs)
    middle = kl.Add()([left, right])
    return kl.Concatenate()([kl.Add()([left, middle]), right])


def shared(kl: Any, inputs: Any) -> Any:
    """One layer that is called twice."""
    layer = kl.LSTM(4, name="twice")
    return kl.Add()([layer(inputs), layer(kl.Dense(3)(inputs))])


def causal(kl: Any, inputs: Any) -> Any:
    """Attention that sees the past alone."""
    return kl.MultiHeadAttention(1, 4, name="looking")(inputs, inputs, use_causal_mask=True)


def elsewhere(kl: Any, inputs: Any) -> Any:
    """Attention to another sequence."""
    return kl.MultiHeadAttention(1, 4, name="looking")(inputs, kl.Dense(3)(inputs))


def with_state(kl: Any, inputs: Any) -> Any:
    """A recurrent layer that begins with what another one ended with."""
    _, state = kl.GRU(4, return_state=True)(inputs)
    return kl.GRU(4, name="second")(inputs, initial_state=state)


def over_steps(kl: Any, inputs: Any) -> Any:
    """Sequences one behind the other."""
    return kl.Concatenate(axis=1, name="longer")([kl.Dense(4)(inputs), kl.Dense(4)(inputs)])


def differing(kl: Any, inputs: Any) -> Any:
    """Values that cannot be added; Keras repeats one of them."""
    return kl.Add(name="sum")([kl.Dense(4)(inputs), kl.Dense(1)(inputs)])


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (crossing, ("different branches", "do not cross")),
        (shared, ("twice (LSTM) is called 2 times", "layer of its own")),
        (causal, ("looking (MultiHeadAttention)", "use_causal_mask=True")),
        (elsewhere, ("looking (MultiHeadAttention) takes 2 inputs", "another sequence")),
        (with_state, ("second (GRU) begins with states that are computed", "expected none, or 1")),
        (over_steps, ("longer (Concatenate)", "axis=1")),
        (differing, ("sum (Add)", "joins outputs of the shapes (8, 4), (8, 1)")),
    ],
)
def test_what_no_branches_can_express_is_refused_by_the_layer(
    build: Callable[[Any, Any], Any], words: tuple[str, ...], keras: Any
) -> None:
    """In one sentence, with the layer named."""
    keras.backend.clear_session()
    inputs = keras.Input((8, 3))
    with pytest.raises(ModelFileError) as caught:
        import_model(keras.Model(inputs, build(keras.layers, inputs)), compare_with_source=False)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.fixture(scope="module")
def of_tokens(keras: Any) -> Any:
    """A bundle that tells four labels from eight of nine tokens."""
    kl = keras.layers
    model = keras.Sequential([keras.Input((8,), dtype="int32"), kl.Embedding(9, 3), kl.GRU(4), kl.Dense(4, "softmax")])
    return edgehar.compile(import_model(model, labels=["a", "b", "c", "d"]))


@pytest.mark.parametrize("engine", ["litert", "onnxruntime", "numpy"])
@pytest.mark.parametrize("token", [9, -1, 0.5])
def test_a_token_that_there_is_not_is_refused_before_it_is_looked_up(of_tokens: Any, engine: str, token: float) -> None:
    """Also by engines that would take another row of the table, or none."""
    windows = np.ones((2, 8))
    windows[1, 3] = token
    with pytest.raises(DataError, match="whole numbers from 0 to 8"):
        edgehar.predict(of_tokens, windows, engine=engine)


def test_files_take_tokens_as_whole_numbers_without_an_axis_of_channels(of_tokens: Any) -> None:
    """As the framework takes them."""
    found = {entry.format: (entry.input.dtype, entry.input.shape) for entry in of_tokens.manifest.artifacts}
    assert found == {"tflite": ("int32", (1, 8)), "onnx": ("int32", (-1, 8))}
    one = np.arange(8)
    alone, among = edgehar.predict(of_tokens, one), edgehar.predict(of_tokens, [one, one[::-1]])
    np.testing.assert_allclose(alone[0], among[0], atol=1e-6)


def test_tokens_stand_at_the_beginning_alone() -> None:
    """Behind another layer there are none."""
    layers = (Dense("Before", 1), Embedding("Words", 9, 2), Flatten("Flatten"), Dense("Output", 2))
    with pytest.raises(BundleError, match="not the first layer"):
        Architecture.from_json(Architecture("x", 8, 1, layers).to_json())
