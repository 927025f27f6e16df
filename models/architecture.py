"""A model described once, as data: layers as frozen dataclasses, the named architectures, and their parameter counts.

Weights travel beside an architecture as a mapping ``"<layer>/<weight>" -> float32 array`` in Keras layout
(``kernel`` is (inputs, units x gates); LSTM gates i, f, c, o; GRU gates z, r, h).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final, Protocol, get_type_hints

import numpy as np
from numpy.typing import NDArray

from models.contract import ACTIVITIES, CHANNELS, WINDOW_LENGTH
from models.errors import BundleError, UsageError

Shape = tuple[int, ...]
Weights = Mapping[str, NDArray[np.float32]]

MAXIMUM_SIZE: Final = 65_536
"""Largest window, channel count or layer that is believed of a file."""

ACTIVATION_NAMES: Final = ("linear", "relu", "tanh", "sigmoid", "softmax")
"""Activations a layer may name."""


class Layer(Protocol):
    """One layer: what it makes of an input shape, and which weights that takes. Shapes leave out the batch."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """Name of the layer in Keras, and prefix of its weights."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one output."""

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Shape of every weight, by its Keras name, in Keras order."""


@dataclass(frozen=True, slots=True)
class _Recurrent:
    """What SimpleRNN, LSTM and GRU share: a state of ``units`` numbers that walks along the window."""

    name: str
    units: int
    return_sequences: bool = False
    gates: ClassVar[int]

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (steps, units) for a sequence, (units,) for the last step."""
        steps, _ = input_shape
        return (steps, self.units) if self.return_sequences else (self.units,)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of kernel, recurrent kernel and bias."""
        _, inputs = input_shape
        width = self.gates * self.units
        return {"kernel": (inputs, width), "recurrent_kernel": (self.units, width), "bias": (width,)}


@dataclass(frozen=True, slots=True)
class SimpleRNN(_Recurrent):
    """h' = tanh(x W + h U + b) (Elman, Finding Structure in Time, 1990)."""

    kind: ClassVar[str] = "SimpleRNN"
    gates: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class LSTM(_Recurrent):
    """Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins, 2000); gates i, f, c, o."""

    kind: ClassVar[str] = "LSTM"
    gates: ClassVar[int] = 4


@dataclass(frozen=True, slots=True)
class GRU(_Recurrent):
    """Gated recurrent unit (Cho et al., 2014); gates z, r, h.

    With ``reset_after`` the reset gate multiplies the recurrent product, and input and recurrent biases are apart.
    """

    kind: ClassVar[str] = "GRU"
    gates: ClassVar[int] = 3
    reset_after: bool = True

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of kernel, recurrent kernel and bias (2, 3 x units) or (3 x units,)."""
        shapes = _Recurrent.weight_shapes(self, input_shape)
        if self.reset_after:
            shapes["bias"] = (2, 3 * self.units)
        return shapes


@dataclass(frozen=True, slots=True)
class Dense:
    """y = activation(x W + b), over the last axis."""

    kind: ClassVar[str] = "Dense"
    name: str
    units: int
    activation: str = "linear"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with its last axis replaced by ``units``."""
        return (*input_shape[:-1], self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of kernel and bias."""
        return {"kernel": (input_shape[-1], self.units), "bias": (self.units,)}


LAYER_TYPES: dict[str, type] = {layer.kind: layer for layer in (SimpleRNN, LSTM, GRU, Dense)}
"""Every layer an architecture may hold, by the kind its manifest entry names."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A named stack of layers over windows of shape (window, channels).

    Examples
    --------
    >>> named_architecture("lstm").parameter_count
    13324
    """

    name: str
    window: int
    channels: int
    layers: tuple[Layer, ...]

    @property
    def classes(self) -> int:
        """Number of labels the last layer tells apart."""
        return self.shapes()[-1][-1]

    @property
    def parameter_count(self) -> int:
        """Number of trained numbers in all layers."""
        return sum(math.prod(shape) for shape in self.weight_shapes().values())

    @property
    def is_recurrent(self) -> bool:
        """Whether any layer walks along the window with a state."""
        return any(isinstance(layer, _Recurrent) for layer in self.layers)

    def shapes(self) -> list[Shape]:
        """Return the shape of the input and of every layer's output, batch left out."""
        shapes: list[Shape] = [(self.window, self.channels)]
        for layer in self.layers:
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes

    def weight_shapes(self) -> dict[str, Shape]:
        """Return ``"<layer>/<weight>" -> shape`` in the order Keras lists the weights."""
        return {
            f"{layer.name}/{weight}": shape
            for layer, input_shape in zip(self.layers, self.shapes(), strict=False)
            for weight, shape in layer.weight_shapes(input_shape).items()
        }

    def to_json(self) -> dict[str, Any]:
        """Return the architecture as JSON-ready data."""
        layers = [{"kind": layer.kind, **asdict(layer)} for layer in self.layers]  # type: ignore[call-overload]
        return {"name": self.name, "window": self.window, "channels": self.channels, "layers": layers}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Architecture":
        """Rebuild an architecture from `to_json` data.

        Raises
        ------
        BundleError
            If a key is missing or of the wrong type, a layer kind is unknown, or the layers do not fit one another.
        """
        try:
            layers = tuple(_layer_from_json(entry) for entry in data["layers"])
            types = {"name": str, "window": int, "channels": int}
            facts = {key: _checked_field("architecture", key, expected, data[key]) for key, expected in types.items()}
            built = cls(**facts, layers=layers)
            last, names = built.shapes()[-1], [layer.name for layer in layers]
            if not layers or len(last) != 1 or len(set(names)) < len(names):
                raise ValueError(f"names {names}, output of shape {last}")
        except KeyError as error:
            raise BundleError(f"architecture: the key {error} is missing", key=str(error.args[0])) from error
        except (TypeError, ValueError) as error:
            raise BundleError(
                f"architecture: expected layers of different names that fit one another and end in one vector ({error})"
            ) from error
        return built


def layer_weights(layer: Layer, weights: Weights) -> dict[str, NDArray[np.float32]]:
    """Return one layer's own weights by their short names, such as ``kernel``."""
    prefix = f"{layer.name}/"
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def _layer_from_json(entry: Mapping[str, Any]) -> Layer:
    """Rebuild one layer, refusing kinds and keys this version does not know."""
    kind = entry["kind"]
    if kind not in LAYER_TYPES:
        raise BundleError(
            f"architecture: expected a layer of {', '.join(LAYER_TYPES)}, got {kind!r}",
            next_step="Update edgehar to a version that knows this layer.",
            kind=kind,
        )
    layer_type = LAYER_TYPES[kind]
    hints = get_type_hints(layer_type)
    values = {
        field.name: _checked_field(kind, field.name, hints[field.name], entry[field.name])
        for field in fields(layer_type)
    }
    unknown = set(entry) - set(values) - {"kind"}
    if unknown:
        raise BundleError(f"architecture: layer {entry['name']!r} has unknown keys {sorted(unknown)}")
    layer: Layer = layer_type(**values)
    return layer


def _checked_field(owner: str, key: str, expected: Any, value: Any) -> Any:
    """Return a value of an architecture's JSON that has the type of its field; numbers are counts, so at least 1."""
    if type(value) is expected and (expected is not int or 1 <= value <= MAXIMUM_SIZE):
        if key == "activation" and value not in ACTIVATION_NAMES:
            raise BundleError(f"{owner}: expected an activation of {', '.join(ACTIVATION_NAMES)}, got {value!r}")
        return value
    wanted = f"a count from 1 to {MAXIMUM_SIZE:,}" if expected is int else f"a {expected.__name__}"
    raise BundleError(f"{owner}: expected {wanted} for {key}, got {value!r:.40}", key=key)


def _recurrent_pair(layer_type: type, prefix: str, units: int = 32) -> tuple[Layer, ...]:
    """Return the course's two stacked recurrent layers, the second one keeping its last step only."""
    return (layer_type(f"{prefix}_1", units, return_sequences=True), layer_type(f"{prefix}_2", units))


_NAMED: dict[str, tuple[Layer, ...]] = {
    "simple_rnn": _recurrent_pair(SimpleRNN, "RNN"),
    "lstm": _recurrent_pair(LSTM, "LSTM"),
    "gru": _recurrent_pair(GRU, "GRU"),
}

ARCHITECTURE_NAMES: tuple[str, ...] = tuple(_NAMED)
"""Names `named_architecture` knows."""


def named_architecture(
    name: str, *, classes: int = len(ACTIVITIES), window: int = WINDOW_LENGTH, channels: int = len(CHANNELS)
) -> Architecture:
    """Return one of the named architectures, ending in a softmax layer ``Output`` over ``classes`` labels.

    Raises
    ------
    UsageError
        If no architecture has this name.
    """
    if name not in _NAMED:
        raise UsageError(
            f"model: expected one of {', '.join(ARCHITECTURE_NAMES)}, got {name!r}",
            next_step="Choose one of these names.",
            name=name,
        )
    return Architecture(name, window, channels, (*_NAMED[name], Dense("Output", classes, "softmax")))
