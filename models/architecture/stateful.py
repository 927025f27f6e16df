"""What a model carries from sample to sample of a stream that is never reset, and which models can be run so."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edgehar.models.architecture.elementwise import Activation, Affine, LayerNormalization
from edgehar.models.architecture.embedding import Embedding
from edgehar.models.architecture.feedforward import Dense
from edgehar.models.architecture.masks import makes_mask
from edgehar.models.architecture.recurrent import Recurrent

if TYPE_CHECKING:
    from edgehar.models.architecture import Architecture

NEXT: Final = "_next"
"""What the name of a state ends with where a file gives it back, after its samples."""

STATEFUL: Final = {"tflite": "tflite-stateful", "onnx": "onnx-stateful"}
"""What the files of a format are called in a manifest that take samples and states, where those of windows are others.

The C engine has one file for both.
"""

PER_SAMPLE: Final = (Recurrent, Dense, Activation, Affine, LayerNormalization, Embedding)
"""Layers that need nothing of other samples but a state."""


@dataclass(frozen=True, slots=True)
class StateSpec:
    """One state: ``units`` numbers that a layer hands from a sample to the next.

    Its name is that of the layer with ``_h`` for the hidden state, which is the layer's output, or ``_c`` for the cell
    of an LSTM.
    """

    name: str
    layer: str
    units: int


def states_of(architecture: "Architecture") -> tuple[StateSpec, ...]:
    """Return the states of a model, in the order of its layers.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> [state.name for state in states_of(named_architecture("lstm"))]
    ['LSTM_1_h', 'LSTM_1_c', 'LSTM_2_h', 'LSTM_2_c']
    """
    return tuple(_states(architecture))


def _states(architecture: "Architecture") -> Iterator[StateSpec]:
    """Yield the states."""
    for layer in architecture.layers:
        if isinstance(layer, Recurrent):
            for suffix in ("h", "c")[: layer.states]:
                yield StateSpec(f"{layer.name}_{suffix}", layer.name, layer.units)


def stateful_obstacle(architecture: "Architecture") -> str | None:
    """Return why a model cannot take its samples one by one, as a clause; None if it can.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> stateful_obstacle(named_architecture("lstm")) is None
    True
    """
    layers = architecture.deployed.layers
    for layer in layers:
        if makes_mask(layer):
            return f"layer {layer.name} masks steps: build the model without it, and leave masked samples out"
        if not isinstance(layer, PER_SAMPLE):
            return (
                f"layer {layer.name} is a {layer.kind}, which takes a window as a whole: a stream takes SimpleRNN, "
                "LSTM, GRU, Dense, Activation, Affine, LayerNormalization and Embedding"
            )
    if not any(isinstance(layer, Recurrent) for layer in layers):
        return "it has no recurrent layer, so there is no state that a stream could carry"
    return None
