"""What a configuration of Keras says, as data: layers in order, and chains that are joined."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SideInput:
    """One of several inputs, which stand side by side in a window.

    Parameters
    ----------
    name
        What the model calls it.
    first, features
        Where its features begin in a step, and how many there are.
    has_steps
        Whether it has a value for every step; otherwise it is the same in all of them.
    """

    name: str
    first: int
    features: int
    has_steps: bool

    def shape(self, steps: int) -> tuple[int, ...]:
        """Return the shape of what the model takes for one window of so many steps."""
        return (steps, self.features) if self.has_steps else (self.features,)


@dataclass(frozen=True, slots=True)
class KerasLayer:
    """One layer as Keras describes it.

    Parameters
    ----------
    kind, name, options
        Its class, its name, its options.
    number
        How many layers of its class the file describes before it.
    branches
        Of a layer that joins several others, the chains that end in it; they all begin where the chain before it ends.
    side
        Of what stands for one of several inputs, which; it takes that input's features of a window.
    """

    kind: str
    name: str
    options: Mapping[str, Any]
    number: int = 0
    branches: tuple[tuple["KerasLayer", ...], ...] = ()
    side: SideInput | None = None

    @property
    def place(self) -> tuple[str, int]:
        """What no other layer of the file has."""
        return self.kind, self.number


@dataclass(frozen=True, slots=True)
class KerasChain:
    """A model that is one chain of layers. ``steps`` is None where the file leaves the window's length open.

    ``takes_tokens`` is whether its input has no axis of features. ``states`` are the inputs that recurrent layers begin
    with: the name of the layer, and which of its states. ``inputs`` are those of a model that has several.
    """

    name: str
    steps: int | None
    features: int
    layers: tuple[KerasLayer, ...]
    takes_tokens: bool = False
    states: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    inputs: tuple[SideInput, ...] = ()

    @property
    def carries_state(self) -> bool:
        """Whether its recurrent layers go on from window to window."""
        return any(layer.options.get("stateful") is True for layer in self.every_layer)

    @property
    def every_layer(self) -> Iterator[KerasLayer]:
        """All layers, each behind those that it joins."""
        return _every(self.layers)


def _every(layers: Iterable[KerasLayer]) -> Iterator[KerasLayer]:
    """Yield all layers, each behind those that it joins."""
    for layer in layers:
        for branch in layer.branches:
            yield from _every(branch)
        yield layer


def is_count(value: Any) -> bool:
    """Whether a value is a whole number from 1."""
    return type(value) is int and value > 0
