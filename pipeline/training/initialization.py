"""First weights of a model, from its architecture and a seed alone.

``orthogonal``
    Glorot kernels, orthogonal recurrent kernels, zero biases, forget bias 1 (Glorot & Bengio, 2010; Saxe et al., 2014;
    Jozefowicz et al., 2015). What Keras does by default.
``structured``
    For a SimpleRNN, whose plain start forgets a stride before it is over. The first layer starts as a bank of damped
    resonators over the frequencies of human movement, every later one as leaky integrators with time constants from
    tens of milliseconds to a second. Other layers start as above.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import LSTM, Architecture, Bidirectional, Layer, SimpleRNN
from edgehar.models.contract import SAMPLE_RATE_HZ
from edgehar.pipeline.training.recipe import STRUCTURED

LOWEST_HZ: Final = 0.5
HIGHEST_HZ: Final = 15.0
RESONATOR_DECAY_SAMPLES: Final = 20.0
SHORTEST_MEMORY_SAMPLES: Final = 3.0
LONGEST_MEMORY_SAMPLES: Final = 100.0

LayerWeights = dict[str, NDArray[Any]]


def initial_weights(
    architecture: Architecture,
    initialization: str,
    rng: np.random.Generator,
    *,
    rate_hz: float = SAMPLE_RATE_HZ,
) -> dict[str, NDArray[np.float32]]:
    """Return the first weights in Keras layout, by their names in the architecture, for windows of a rate.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> weights = initial_weights(named_architecture("lstm"), "orthogonal", np.random.default_rng(0))
    >>> weights["LSTM_1/bias"][32:34].tolist()
    [1.0, 1.0]
    """
    weights = {}
    is_first_recurrent = True
    for layer, input_shape in zip(architecture.layers, architecture.shapes(), strict=False):
        own = _plain(layer, layer.weight_shapes(input_shape), rng)
        if isinstance(layer, SimpleRNN):
            if initialization == STRUCTURED:
                own = _resonators(own, rng, rate_hz) if is_first_recurrent else _integrators(own, rng)
            is_first_recurrent = False
        weights.update({f"{layer.name}/{name}": value.astype(np.float32) for name, value in own.items()})
    return weights


def _plain(layer: Layer, shapes: dict[str, tuple[int, ...]], rng: np.random.Generator) -> LayerWeights:
    """Return Glorot kernels, orthogonal recurrent kernels and zero biases; forget biases of an LSTM are 1."""
    weights = {name: _plain_weight(name, shape, rng) for name, shape in shapes.items()}
    if isinstance(layer, LSTM) or (isinstance(layer, Bidirectional) and layer.cell == LSTM.kind):
        for name in shapes:
            if name.endswith("bias"):
                weights[name][layer.units : 2 * layer.units] = 1.0
    return weights


def _plain_weight(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Return one weight, by what its name ends with."""
    if name.endswith("recurrent_kernel"):
        units, width = shape
        return _orthogonal(units, width, rng)
    if name.endswith("kernel"):
        # A filter of a convolution sees, and is seen from, as many inputs and outputs for every step it covers.
        limit = math.sqrt(6.0 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
        return rng.uniform(-limit, limit, shape)
    return np.zeros(shape)


def _orthogonal(rows: int, columns: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return a matrix with orthonormal rows, uniformly distributed (Mezzadri, 2007: the signs make it so)."""
    q, r = np.linalg.qr(rng.normal(size=(columns, rows)))
    return np.asarray((q * np.sign(np.diag(r))).T)


def _resonators(weights: LayerWeights, rng: np.random.Generator, rate_hz: float) -> LayerWeights:
    """Make pairs of units turn at frequencies from 0.5 to 15 Hz and forget within a fifth of a second."""
    units = len(weights["recurrent_kernel"])
    turns = 2 * np.pi * np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, rate_hz / 2), units // 2) / rate_hz
    kernel = rng.normal(scale=0.02, size=(units, units))
    for pair, angle in enumerate(turns):
        cosine, sine = math.cos(angle), math.sin(angle)
        block = slice(2 * pair, 2 * pair + 2)
        kernel[block, block] += math.exp(-1 / RESONATOR_DECAY_SAMPLES) * np.array([[cosine, sine], [-sine, cosine]])
    # Spread biases start the units at different places of tanh, so that they answer small and large movement apart.
    bias = rng.normal(scale=0.3, size=units)
    return {"kernel": 0.5 * weights["kernel"], "recurrent_kernel": kernel, "bias": bias}


def _integrators(weights: LayerWeights, rng: np.random.Generator) -> LayerWeights:
    """Make every unit an average over its own time constant, its input scaled to the same variance."""
    units = len(weights["recurrent_kernel"])
    keep = np.exp(-1 / np.geomspace(SHORTEST_MEMORY_SAMPLES, LONGEST_MEMORY_SAMPLES, units))
    kernel = np.diag(keep) + rng.normal(scale=0.01, size=(units, units))
    return {**weights, "kernel": weights["kernel"] * np.sqrt(1 - keep), "recurrent_kernel": kernel}
