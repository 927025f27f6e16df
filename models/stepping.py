"""Which architectures the C engine runs: its compiler asks, and firmware projects before they advise to compile one."""

from typing import Final

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN, is_standard
from edgehar.models.portable.tables import FLOAT32, HEADS, HIDDEN, INT8

QUANTIZATIONS: Final = (FLOAT32, INT8)
_HEADS: Final = "softmax, sigmoid or linear"


def obstacle(architecture: Architecture, quantization: str) -> str | None:
    """Return what the engine cannot step through: it takes recurrent layers forward in time, then dense ones."""
    if quantization not in QUANTIZATIONS:
        return f"it knows the quantizations {' and '.join(QUANTIZATIONS)}"
    for layer in architecture.layers:
        if not isinstance(layer, SimpleRNN | LSTM | GRU | Dense):
            return f"layer {layer.name} is a {layer.kind}, it takes SimpleRNN, LSTM, GRU and Dense"
        if not isinstance(layer, Dense) and not is_standard(layer):
            return f"layer {layer.name} has the activation {layer.activation}, it takes tanh and sigmoid in cells"
    steps = step_layers(architecture)
    if not 0 < steps < len(architecture.layers):
        return "it needs a recurrent layer that keeps its last step, and an output layer behind it"
    for layer in architecture.layers[steps:]:
        if not isinstance(layer, Dense):
            return f"layer {layer.name} comes after the last step, where it takes Dense alone"
    return None if _activations_fit(architecture) else f"it needs {_HEADS} in the last layer, known activations before"


def step_layers(architecture: Architecture) -> int:
    """Return how many layers run for every sample: those up to the one that keeps its last step; 0 if none does."""
    for number, layer in enumerate(architecture.layers, start=1):
        if getattr(layer, "return_sequences", None) is False:
            return number
    return 0


def _activations_fit(architecture: Architecture) -> bool:
    """Whether dense layers name activations that the engine has there."""
    names = [layer.activation for layer in architecture.layers if isinstance(layer, Dense)]
    return bool(names) and names[-1] in HEADS and all(name in HIDDEN for name in names[:-1])
