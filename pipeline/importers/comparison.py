"""What the source framework makes of the same inputs: the proof that a model was understood.

Keras gets layers built anew from options that were checked, and reads the weights by itself. Nothing of the file's own
description is handed to it: its loader imports the modules that a description names.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.agreement import largest_error
from edgehar.models.bundle.golden import with_masked_steps
from edgehar.models.errors import ModelFileError
from edgehar.models.isolation import Isolation
from edgehar.models.reference import forward
from edgehar.models.reference.stateful import step, zero_states
from edgehar.pipeline.importers.keras_carried import from_zeros, stepped
from edgehar.pipeline.importers.keras_description import KerasChain, KerasLayer
from edgehar.pipeline.importers.keras_graph import ATTENTION
from edgehar.pipeline.importers.keras_inputs import parted
from edgehar.pipeline.importers.model import Comparison, ForeignModel
from edgehar.pipeline.importers.options import is_without_effect

RANDOM_WINDOWS: Final = 64
MOST_WINDOWS: Final = 4096
"""Of the user's inputs: enough to prove a model, few enough to wait for."""

LARGEST_ERROR: Final = 1e-5
MOST_CARRIED: Final = 24
"""Of them, where each must wait for the one before it."""

RANDOM: Final = "random normal inputs"
RANDOM_TOKENS: Final = "random tokens"

_SEED: Final = 20120905
_BATCH: Final = 256
_TIMEOUT_S: Final = 300.0
_WRAPPED: Final = ("layer", "backward_layer")

Outputs = Callable[[NDArray[np.float32]], tuple[NDArray[Any], str]]
"""From windows to the outputs of the source framework, and its name and version."""


def random_windows(model: ForeignModel) -> tuple[str, NDArray[np.float32]]:
    """Return windows of normal numbers of deviation one, or of tokens that are all as probable, and what they are."""
    architecture = model.architecture
    shape = RANDOM_WINDOWS, architecture.window, architecture.channels
    generator = np.random.default_rng(_SEED)
    if architecture.vocabulary is not None:
        tokens = generator.integers(architecture.vocabulary, size=shape).astype(np.float32)
        return RANDOM_TOKENS, with_masked_steps(architecture, tokens)
    return RANDOM, with_masked_steps(architecture, generator.normal(size=shape).astype(np.float32))


def compare(model: ForeignModel, outputs: Outputs, inputs: Mapping[str, NDArray[np.float32]]) -> list[Comparison]:
    """Hold a model to its source on inputs by their names.

    Raises
    ------
    ModelFileError
        If an output differs by more than `LARGEST_ERROR`, or is not of the same shape.
    """
    most = MOST_CARRIED if model.carries_state else MOST_WINDOWS
    names, parts = list(inputs), [windows[:most] for windows in inputs.values()]
    found, framework = outputs(np.concatenate(parts))
    comparisons = []
    ends = np.cumsum([len(each) for each in parts])[:-1]
    expected = np.split(_ours(model, np.concatenate(parts)), ends)
    for name, windows, ours, theirs in zip(names, parts, expected, np.split(found, ends), strict=True):
        error = largest_error(theirs, ours) if theirs.shape == ours.shape else float("inf")
        if not error <= LARGEST_ERROR:
            raise ModelFileError(
                f"{model.source}: expected the outputs of {framework} within {LARGEST_ERROR:g}, got {error:.3g} on "
                f"{name}: the model was not understood",
                next_step="Report this with the file: it is a mistake in edgehar. Nothing was written.",
                error=error,
            )
        comparisons.append(Comparison(name, len(windows), framework, error))
    return comparisons


def _ours(model: ForeignModel, windows: NDArray[np.float32]) -> NDArray[Any]:
    """Return what the oracle makes of windows, one after the other in a stream where the source goes on."""
    if not model.carries_state:
        starts = range(0, len(windows), _BATCH)
        return np.concatenate(
            [forward(model.architecture, model.weights, windows[start : start + _BATCH]) for start in starts]
        )
    states, outputs = zero_states(model.architecture, dtype=np.float64), []
    for window in windows:
        output, states = step(model.architecture, model.weights, window[np.newaxis], states)
        outputs.append(output)
    return np.concatenate(outputs)


def outputs_of_file(chain: KerasChain, steps: int, content: bytes, suffix: str) -> Outputs:
    """Return how Keras computes a model of a file, in a process of its own.

    Parameters
    ----------
    chain, steps
        The layers, and the length of a window.
    content, suffix
        A file of weights, and how its name must end for Keras to know it.
    """

    def outputs(windows: NDArray[np.float32]) -> tuple[NDArray[Any], str]:
        with Isolation(timeout_s=_TIMEOUT_S) as isolation:
            return isolation.run(_with_keras, chain, steps, content, suffix, windows)

    return outputs


def outputs_in_memory(model: Any, chain: KerasChain) -> Outputs:
    """Return how a Keras model in memory computes."""

    def outputs(windows: NDArray[np.float32]) -> tuple[NDArray[Any], str]:
        import keras

        if chain.states:
            found = stepped(model, chain, windows)
        elif chain.carries_state:
            found = from_zeros(model, lambda: _predicted(model, windows, chain))
        else:
            found = _predicted(
                keras.Model(list(model.inputs), list(model.outputs)) if chain.inputs else model, windows, chain
            )
        return found, f"keras {keras.__version__}"

    return outputs


def _with_keras(
    chain: KerasChain, steps: int, content: bytes, suffix: str, windows: NDArray[np.float32]
) -> tuple[NDArray[Any], str]:
    """Rebuild the layers, let Keras load the weights, and compute; runs in the other process."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["CUDA_VISIBLE_DEVICES"] = "3", ""
    import keras

    shape = (steps,) if chain.takes_tokens else (steps, chain.features)
    inputs = keras.Input(batch_shape=(1 if chain.carries_state else None, *shape))
    several = {each.name: keras.Input(each.shape(steps), name=each.name) for each in chain.inputs}
    model = keras.Model(list(several.values()) or inputs, _applied(keras.layers, chain.layers, inputs, several))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"model{suffix}"
        file.write_bytes(content)
        model.load_weights(file)
    return _predicted(model, windows, chain), f"keras {keras.__version__}"


def _applied(kinds: Any, layers: Iterable[KerasLayer], values: Any, several: Mapping[str, Any]) -> Any:
    """Return what layers, made anew, make of a tensor of Keras, or of several inputs by their names."""
    for layer in layers:
        if layer.side is not None:
            values = several[layer.side.name]
            continue
        made = getattr(kinds, layer.kind).from_config(_plain(layer.options, keep_name=layer.name))
        if layer.branches:
            values = made([_applied(kinds, branch, values, several) for branch in layer.branches])
        else:
            values = made(values, values) if layer.kind == ATTENTION else made(values)
    return values


def _predicted(model: Any, windows: NDArray[np.float32], chain: KerasChain) -> NDArray[Any]:
    """Return the outputs of a model, batch by batch, as it gives them when it is not trained."""
    if chain.inputs:
        given = parted(chain.inputs, windows)
        each = [given[tensor.name] for tensor in model.inputs]
        starts = range(0, len(windows), _BATCH)
        batches = ([values[start : start + _BATCH] for values in each] for start in starts)
        return np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])
    if len(model.inputs[0].shape) == windows.ndim - 1:
        windows = windows[..., 0]
    fixed = model.inputs[0].shape[0]
    if fixed is None:
        starts = range(0, len(windows), _BATCH)
        return np.concatenate([np.asarray(model(windows[start : start + _BATCH], training=False)) for start in starts])
    # A model for so many windows at once is given one as often: what carries a state goes through them in order.
    alike = (np.repeat(window[np.newaxis], fixed, axis=0) for window in windows)
    return np.stack([np.asarray(model(each, training=False))[0] for each in alike])


def _plain(options: Mapping[str, Any], *, keep_name: str = "") -> dict[str, Any]:
    """Return options without those that have no effect here, and wrapped layers as classes of Keras itself."""
    plain = {name: value for name, value in options.items() if not is_without_effect(name)}
    for key in _WRAPPED:
        if isinstance(plain.get(key), dict):
            inner = plain[key]
            plain[key] = {
                "module": "keras.layers",
                "class_name": inner["class_name"],
                "config": _plain(inner["config"], keep_name=str(inner["config"].get("name") or key)),
                "registered_name": None,
            }
    return {**plain, "name": keep_name} if keep_name else plain
