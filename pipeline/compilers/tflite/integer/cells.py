"""One step of SimpleRNN, LSTM and GRU in integers: int16 values and states, int8 weights, scales from calibration."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Recurrent, SimpleRNN
from edgehar.models.reference import sigmoid
from edgehar.pipeline.compilers.tflite.cells import lstm_columns
from edgehar.pipeline.compilers.tflite.graph import Scale, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer import operators as op
from edgehar.pipeline.compilers.tflite.integer.scales import GATE, UNIT, gate_part_scale
from edgehar.pipeline.compilers.tflite.integer.weights import Factor, store_factors

_DIFFERENCE: Final = Scale(2.0**-14)
"""Scale of what lies between -2 and 2: the difference of two states."""

_TANH_SCALES: Final = (GATE, Scale(2.0**-11))
"""Scales that every runtime's tanh takes as they are."""

_CELL_INTEGER_BITS: Final = range(3, 9)
"""Powers of two that may hold the cell of an LSTM, which a window of 200 steps can make as large as 200."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A layer, its weights, and what it met in calibration.

    Parameters
    ----------
    layer, weights
        The layer, and its weights by their names within it.
    inputs : ndarray of shape (n_windows, steps, numbers)
        What it was given.
    before : ndarray of shape (n_windows, steps, units)
        The states its steps began with.
    """

    layer: Any
    weights: dict[str, NDArray[Any]]
    inputs: NDArray[Any]
    before: NDArray[Any]

    @property
    def state_scales(self) -> list[Scale]:
        """The scales of its states: the output, and of an LSTM the cell."""
        return [UNIT, _cell_scale(self)] if isinstance(self.layer, LSTM) else [UNIT]


def simple_rnn_step(body: Subgraph, met: Calibrated, values: Tensor, states: list[Tensor]) -> list[Tensor]:
    """Return h' = tanh(x W + h U + b)."""
    return [op.activation(body, "tanh", _sum(body, met, "kernel", slice(None), values, states[0]))]


def lstm_step(body: Subgraph, met: Calibrated, values: Tensor, states: list[Tensor]) -> list[Tensor]:
    """Return c' = f c + i tanh(...) and h' = o tanh(c'), as (h', c')."""
    state, cell = states
    gates, candidates = lstm_columns(met.layer)
    opened = op.activation(body, "sigmoid", _sum(body, met, "gates", gates, values, state))
    update, forget, output = op.split(body, opened, 3)
    candidate = op.activation(body, "tanh", _sum(body, met, "candidate", candidates, values, state))
    scale = _required(cell.scale)
    kept = op.multiply(body, forget, cell, scale)
    following = op.add(body, kept, op.multiply(body, update, candidate, UNIT), scale)
    # Beyond 8 tanh is flat: there it may as well saturate.
    seen = following if scale in _TANH_SCALES else op.requantize(body, following, np.int16, GATE)
    return [op.multiply(body, output, op.activation(body, "tanh", seen), UNIT), following]


def gru_step(body: Subgraph, met: Calibrated, values: Tensor, states: list[Tensor]) -> list[Tensor]:
    """Return h' = n + z (h - n)."""
    (state,), layer, weights = states, met.layer, met.weights
    gated, both = 2 * layer.units, weights["bias"]
    bias, recurrent_bias = both if layer.reset_after else (both, np.zeros_like(both))
    kernel, recurrent_kernel = weights["kernel"], weights["recurrent_kernel"]

    def linear(
        part: str, tensor: Tensor, matrix: NDArray[Any], offset: NDArray[Any], seen: NDArray[Any]
    ) -> tuple[Tensor, NDArray[Any]]:
        result, own = seen @ matrix + offset, [Factor(f"{layer.name}/{part}", matrix, tensor.scale, seen)]
        (stored,), stored_offset = store_factors(body, f"{layer.name}/{part}_bias", own, offset, np.int64)
        return op.linear(body, tensor, stored, stored_offset, gate_part_scale(result)), result

    gate_bias = (bias + recurrent_bias)[:gated]
    gates = _sum(body, met, "gates", slice(gated), values, state, bias=gate_bias)
    update, reset = op.split(body, op.activation(body, "sigmoid", gates), 2)
    seen_gates = met.inputs @ kernel[:, :gated] + gate_bias + met.before @ recurrent_kernel[:, :gated]
    seen_reset = sigmoid(seen_gates)[..., layer.units :]
    fresh, _ = linear("candidate", values, kernel[:, gated:], bias[gated:], met.inputs)
    if layer.reset_after:
        recalled, seen = linear("recalled", state, recurrent_kernel[:, gated:], recurrent_bias[gated:], met.before)
        recalled = op.multiply(body, reset, recalled, gate_part_scale(seen_reset * seen))
    else:
        kept, nothing = op.multiply(body, reset, state, UNIT), np.zeros(layer.units)
        recalled, _ = linear("recalled", kept, recurrent_kernel[:, gated:], nothing, seen_reset * met.before)
    candidate = op.activation(body, "tanh", op.add(body, fresh, recalled, GATE))
    change = op.multiply(body, update, op.subtract(body, state, candidate, _DIFFERENCE), _DIFFERENCE)
    return [op.add(body, candidate, change, UNIT)]


Step = Callable[[Subgraph, Calibrated, Tensor, list[Tensor]], list[Tensor]]
"""From the input of a step and the states before it to the states after it; the first of them is the output."""

STEPS: Final[dict[str, Step]] = {SimpleRNN.kind: simple_rnn_step, LSTM.kind: lstm_step, GRU.kind: gru_step}
"""How each kind of layer takes a step."""


def _sum(
    body: Subgraph,
    met: Calibrated,
    part: str,
    columns: slice | NDArray[np.intp],
    values: Tensor,
    state: Tensor,
    *,
    bias: NDArray[Any] | None = None,
) -> Tensor:
    """Return x W + h U + b of some columns, at the scale that tanh and sigmoid take; ``bias`` replaces the layer's."""
    layer: Recurrent = met.layer
    kernel, recurrent_kernel = (met.weights[name][:, columns] for name in ("kernel", "recurrent_kernel"))
    offset = met.weights["bias"][columns] if bias is None else bias
    factors = [
        Factor(f"{layer.name}/{part}", kernel, values.scale, met.inputs),
        Factor(f"{layer.name}/recurrent_{part}", recurrent_kernel, state.scale, met.before),
    ]
    (stored, recurrent_stored), stored_bias = store_factors(
        body, f"{layer.name}/{part}_bias", factors, offset, np.int64
    )
    fresh = op.linear(body, values, stored, stored_bias, gate_part_scale(met.inputs @ kernel + offset))
    recalled = op.linear(body, state, recurrent_stored, None, gate_part_scale(met.before @ recurrent_kernel))
    return op.add(body, fresh, recalled, GATE)


def _cell_scale(met: Calibrated) -> Scale:
    """Return the power of two that holds the cell, computed along the calibration windows."""
    weights = met.weights
    gates = met.inputs @ weights["kernel"] + met.before @ weights["recurrent_kernel"] + weights["bias"]
    update, forget, candidate, _ = np.split(gates, 4, axis=-1)
    added, kept = sigmoid(update) * np.tanh(candidate), sigmoid(forget)
    cell, largest = np.zeros_like(added[:, 0]), 0.0
    for step in range(added.shape[1]):
        cell = kept[:, step] * cell + added[:, step]
        largest = max(largest, float(np.abs(cell).max()))
    bits = math.ceil(math.log2(max(largest, 1.0)))
    return Scale(2.0 ** (min(max(bits, _CELL_INTEGER_BITS[0]), _CELL_INTEGER_BITS[-1]) - 15))


def _required(scale: Scale | None) -> Scale:
    """Return the scale that every integer tensor has."""
    return UNIT if scale is None else scale
