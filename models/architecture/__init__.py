"""A model described once, as data: layers as frozen dataclasses, the named architectures, and their parameter counts.

Weights travel beside an architecture as a mapping ``"<layer>/<weight>" -> float32 array`` in Keras layout
(``kernel`` is (inputs, units x gates); LSTM gates i, f, c, o; GRU gates z, r, h).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, get_type_hints

from edgehar.models.architecture.activations import ACTIVATION_NAMES, CELL_ACTIVATIONS, LEAK
from edgehar.models.architecture.blocks import SelfAttention, TemporalBlock
from edgehar.models.architecture.branches import Branches, every_layer
from edgehar.models.architecture.elementwise import (
    Activation,
    Affine,
    LayerNormalization,
    Masking,
    RepeatVector,
    Reshape,
    Reverse,
)
from edgehar.models.architecture.embedding import Embedding
from edgehar.models.architecture.feedforward import (
    PADDINGS,
    POOL_PADDINGS,
    AveragePooling1D,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)
from edgehar.models.architecture.layer import (
    MAXIMUM_NUMBERS,
    MAXIMUM_PARAMETERS,
    MAXIMUM_SIZE,
    Layer,
    Shape,
    Weights,
    chain_shapes,
    layer_weights,
)
from edgehar.models.architecture.masks import mask_obstacle
from edgehar.models.architecture.memory import most_numbers
from edgehar.models.architecture.named import NAMED
from edgehar.models.architecture.recurrent import (
    CELLS,
    DIRECTIONS,
    GRU,
    LSTM,
    MERGES,
    Bidirectional,
    Recurrent,
    SimpleRNN,
    is_standard,
)
from edgehar.models.contract import ACTIVITIES, CHANNELS, WINDOW_LENGTH
from edgehar.models.errors import BundleError, UsageError
from edgehar.models.foreign_text import printable

__all__ = [
    "ACTIVATION_NAMES",
    "ARCHITECTURE_NAMES",
    "CELLS",
    "CELL_ACTIVATIONS",
    "DIRECTIONS",
    "GRU",
    "LAYER_TYPES",
    "LEAK",
    "LSTM",
    "MERGES",
    "Activation",
    "Affine",
    "Architecture",
    "AveragePooling1D",
    "Bidirectional",
    "Branches",
    "Conv1D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "MAXIMUM_SIZE",
    "Masking",
    "Layer",
    "LayerNormalization",
    "MaxPooling1D",
    "Recurrent",
    "RepeatVector",
    "Reshape",
    "Reverse",
    "SelfAttention",
    "Shape",
    "SimpleRNN",
    "TemporalBlock",
    "Weights",
    "chain_shapes",
    "every_layer",
    "is_standard",
    "layer_weights",
    "named_architecture",
]

LAYER_TYPES: Final[dict[str, type]] = {
    layer.kind: layer
    for layer in (
        SimpleRNN,
        LSTM,
        GRU,
        Bidirectional,
        Dense,
        Conv1D,
        MaxPooling1D,
        AveragePooling1D,
        GlobalAveragePooling1D,
        GlobalMaxPooling1D,
        Flatten,
        Dropout,
        TemporalBlock,
        SelfAttention,
        Activation,
        Affine,
        LayerNormalization,
        Reverse,
        RepeatVector,
        Reshape,
        Embedding,
        Branches,
        Masking,
    )
}
"""Every layer an architecture may hold, by the kind its manifest entry names."""

_CHOICES: Final = {
    "activation": ACTIVATION_NAMES,
    "recurrent_activation": CELL_ACTIVATIONS,
    "padding": PADDINGS,
    "cell": tuple(CELLS),
    "merge": MERGES,
}
"""Fields that name one of a few."""

_DEEPEST: Final = 8
"""How often branches may lie within branches."""

_LARGEST_MASK: Final = 1e30
"""Values that a mask may stand for: what float32 holds."""

_OWN_CHOICES: Final = {
    **{(kind, "activation"): CELL_ACTIVATIONS for kind in (*CELLS, Bidirectional.kind)},
    **{(layer.kind, "padding"): POOL_PADDINGS for layer in (MaxPooling1D, AveragePooling1D)},
}
"""Fields of some layers that name fewer."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A named stack of layers over windows of shape (window, channels), of tokens where an `Embedding` is the first.

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
        """Number of outputs, of each step where there is one for every step."""
        return self.shapes()[-1][-1]

    @property
    def vocabulary(self) -> int | None:
        """How many tokens a step of the input is one of; None where the input is a signal."""
        first = self.layers[0]
        return first.vocabulary if isinstance(first, Embedding) else None

    @property
    def input_shape(self) -> Shape:
        """Shape of one window in a compiled file: tokens have no axis of channels there."""
        return (self.window, self.channels) if self.vocabulary is None else (self.window,)

    @property
    def output_shape(self) -> Shape:
        """Shape of the output of one window: a vector, or one for every step."""
        return self.shapes()[-1]

    @property
    def parameter_count(self) -> int:
        """Number of trained numbers in all layers."""
        return sum(math.prod(shape) for shape in self.weight_shapes().values())

    @property
    def most_numbers(self) -> int:
        """Most numbers that one window becomes at once on its way through the layers."""
        return most_numbers(self.layers, self.shapes())

    @property
    def is_recurrent(self) -> bool:
        """Whether any layer walks along the window with a state."""
        return any(isinstance(layer, Recurrent | Bidirectional) for layer in every_layer(self.layers))

    @property
    def deployed(self) -> "Architecture":
        """The architecture without the layers that only train."""
        return replace(self, layers=_without_dropout(self.layers))

    def shapes(self) -> list[Shape]:
        """Return the shape of the input and of every layer's output, batch left out."""
        return chain_shapes(self.layers, (self.window, self.channels))

    def weight_shapes(self) -> dict[str, Shape]:
        """Return ``"<layer>/<weight>" -> shape`` in the order Keras lists the weights."""
        return {
            f"{layer.name}/{weight}": shape
            for layer, input_shape in zip(self.layers, self.shapes(), strict=False)
            for weight, shape in layer.weight_shapes(input_shape).items()
        }

    def to_json(self) -> dict[str, Any]:
        """Return the architecture as JSON-ready data."""
        layers = [_layer_to_json(layer) for layer in self.layers]
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
            last, names = built.shapes()[-1], [layer.name for layer in every_layer(layers)]
            if any(isinstance(layer, Embedding) for layer in [*every_layer(layers)][1:]):
                raise ValueError("an Embedding takes the tokens of the input, it is not the first layer")
            if (obstacle := mask_obstacle(layers)) is not None:
                raise ValueError(obstacle)
            if not layers or not 1 <= len(last) <= 2 or len(set(names)) < len(names):
                raise ValueError(f"names {names}, output of shape {last}")
            _refuse_larger(built)
        except KeyError as error:
            raise BundleError(f"architecture: the key {error} is missing", key=str(error.args[0])) from error
        except (TypeError, ValueError) as error:
            raise BundleError(
                "architecture: expected layers of different names that fit one another and end in a vector, or one "
                "for every step "
                f"({printable(str(error), 200)})"
            ) from error
        return built


def _without_dropout(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Return the layers without those that only train, also within branches."""
    return tuple(
        replace(layer, branches=tuple(map(_without_dropout, layer.branches))) if isinstance(layer, Branches) else layer
        for layer in layers
        if not isinstance(layer, Dropout)
    )


def _refuse_larger(architecture: Architecture) -> None:
    """Refuse an architecture whose forward pass or weights would take more memory than any model here needs."""
    for what, found, most in (
        ("numbers in one layer", architecture.most_numbers, MAXIMUM_NUMBERS),
        ("parameters", architecture.parameter_count, MAXIMUM_PARAMETERS),
    ):
        if found > most:
            raise BundleError(
                f"architecture: expected at most {most:,} {what}, got {found:,}",
                next_step="Do not use this bundle: it is damaged or made to exhaust memory.",
            )


def _layer_to_json(layer: Layer) -> dict[str, Any]:
    """Return one layer as JSON-ready data, without what earlier versions do not know where it has its default."""
    added = _added(type(layer))
    values = {each.name: getattr(layer, each.name) for each in fields(layer)}  # type: ignore[arg-type]
    for each in added:
        if values[each.name] == each.default:
            del values[each.name]
    if isinstance(layer, Branches):
        values["branches"] = [[_layer_to_json(inner) for inner in branch] for branch in layer.branches]
    return {"kind": layer.kind, **values}


def _added(layer_type: Any) -> list[Any]:
    """Return the fields of a layer that earlier versions did not know."""
    return [field for field in fields(layer_type) if field.metadata.get("added")]


def _layer_from_json(entry: Mapping[str, Any], depth: int = 0) -> Layer:
    """Rebuild one layer, refusing kinds and keys this version does not know."""
    kind = entry["kind"]
    if kind not in LAYER_TYPES:
        raise BundleError(
            f"architecture: expected a layer of {', '.join(LAYER_TYPES)}, got {kind!r:.40}",
            next_step="Update edgehar to a version that knows this layer.",
            kind=kind,
        )
    layer_type = LAYER_TYPES[kind]
    hints = get_type_hints(layer_type)
    left_out = {field.name for field in _added(layer_type)} - set(entry)
    values = {
        field.name: _branches_from_json(entry[field.name], depth)
        if field.name == "branches"
        else _checked_field(kind, field.name, hints[field.name], entry[field.name])
        for field in fields(layer_type)
        if field.name not in left_out
    }
    unknown = set(entry) - set(values) - {"kind"}
    if unknown:
        raise BundleError(f"architecture: layer {entry['name']!r:.60} has unknown keys {sorted(unknown)!r:.200}")
    layer: Layer = layer_type(**values)
    return layer


def _branches_from_json(value: Any, depth: int) -> tuple[tuple[Layer, ...], ...]:
    """Rebuild the chains of a layer of branches."""
    if depth >= _DEEPEST or not isinstance(value, list) or not all(isinstance(branch, list) for branch in value):
        raise BundleError(f"{Branches.kind}: expected lists of layers, at most {_DEEPEST} within each other")
    return tuple(tuple(_layer_from_json(entry, depth + 1) for entry in branch) for branch in value)


def _checked_field(owner: str, key: str, expected: Any, value: Any) -> Any:
    """Return a value of an architecture's JSON that its field may have: counts from 1, shares below 1, known words."""
    choices = _OWN_CHOICES.get((owner, key), _CHOICES.get(key))
    if choices is not None and type(value) is str and value not in choices:
        raise BundleError(f"{owner}: expected {_article(key)} of {', '.join(choices)}, got {value!r:.40}", key=key)
    bounds = {int: (1, MAXIMUM_SIZE), float: (0.0, math.nextafter(1.0, 0.0))}.get(expected)
    wanted = {int: f"a count from 1 to {MAXIMUM_SIZE:,}", float: "a share from 0 to below 1"}
    if (owner, key) == (Masking.kind, "value"):
        bounds, wanted = (-_LARGEST_MASK, _LARGEST_MASK), {float: f"a number within {_LARGEST_MASK:g}"}
    if type(value) is expected and (bounds is None or bounds[0] <= value <= bounds[1]):
        return value
    what = wanted.get(expected, f"a {expected.__name__}")
    raise BundleError(f"{owner}: expected {what} for {key}, got {value!r:.40}", key=key)


def _article(noun: str) -> str:
    """Return the noun with its indefinite article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


ARCHITECTURE_NAMES: Final[tuple[str, ...]] = tuple(NAMED)
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
    if name not in NAMED:
        raise UsageError(
            f"model: expected one of {', '.join(ARCHITECTURE_NAMES)}, got {name!r}",
            next_step="Choose one of these names.",
            name=name,
        )
    return Architecture(name, window, channels, (*NAMED[name], Dense("Output", classes, "softmax")))
