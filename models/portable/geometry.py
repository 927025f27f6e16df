"""Where the layers of the C engine stand along a window: what each is given, when it hands on, what it must remember.

A layer is given one vector after another. Most hand on a vector for each; convolutions and pools do where a filter
ends; layers that need what comes after a step do when the window has ended. So nothing is kept but what a layer needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgehar.models.portable.forks import OpenFork, Pace
from edgehar.models.portable.layers import ATTENTION, BRANCHING, FORK, GATES, JOIN, POOLS, RECURRENT, WHOLE, CLayer


@dataclass(frozen=True, slots=True)
class Place:
    """A layer along the window.

    Parameters
    ----------
    inputs, steps
        Numbers of a vector it is given, and how many vectors a window has there.
    outputs, count
        Numbers of a vector it hands on, and how many of these.
    before, after
        Steps of zeros that its filters see before the window, and vectors that it hands on, or looks at, after it.
    scratch, sums, values
        Numbers of the engine's three kinds of memory.
    ends, ring
        Of a fork: branches, and joined vectors of which some wait for others.
    """

    inputs: int
    steps: int
    outputs: int
    count: int
    before: int
    after: int
    scratch: int
    sums: int
    values: int
    ends: int = 0
    ring: int = 0


def places(layers: Sequence[CLayer], step_layers: int, window: int, channels: int) -> tuple[Place, ...]:
    """Return the place of every layer.

    Raises
    ------
    ValueError
        If a window is shorter than a filter.
    """
    walk = Walk(window, channels)
    for index, layer in enumerate(layers):
        walk.place(layer, ends=index + 1 == step_layers, first_of_two=is_first_of_two(layers, index))
    return tuple(walk.found)


class Walk:
    """Places one layer after the other; knows what the next one is given."""

    def __init__(self, window: int, channels: int) -> None:
        self.inputs, self.steps = channels, window
        self.found: list[Place] = []
        self.forks: list[OpenFork] = []
        self._pace = Pace()

    def place(self, layer: CLayer, *, ends: bool, first_of_two: bool) -> None:
        """Place the next layer; ``ends`` where it is the last one that runs for every sample.

        Raises
        ------
        ValueError
            If a window is shorter than a filter, or branches do not fit one another.
        """
        if layer.kind in BRANCHING:
            place = self._branching(layer)
        else:
            place = place_of(layer, self.inputs, self.steps, ends=ends or layer.hands_last)
            self._pace = self._pace.behind(layer, steps=place.steps, count=place.count, before=place.before)
        self.found.append(place)
        if not first_of_two:
            self.inputs = place.outputs
        self.steps = 1 if ends else place.count

    def _branching(self, layer: CLayer) -> Place:
        """Return the place of a fork, or of the end of a branch."""
        if layer.kind == FORK:
            self.forks.append(OpenFork(len(self.found), layer.joins, self.inputs, self.steps, self._pace))
            self._pace = Pace()
            return Place(self.inputs, self.steps, self.inputs, self.steps, 0, 0, 0, 0, 0)
        if not self.forks:
            raise ValueError("expected a fork before the end of a branch")
        fork = self.forks[-1]
        fork.end(self.inputs, self.steps, self._pace)
        self._pace = Pace()
        if layer.kind != JOIN:
            return Place(self.inputs, self.steps, fork.inputs, fork.steps, 0, 0, 0, 0, 0)
        self.forks.pop()
        ends, outputs, ring = len(fork.widths), fork.outputs, fork.ring
        kept = ring * outputs
        sums, values = (0, ring + kept) if fork.joins == "concat" else (kept, ring)
        self.found[fork.index] = replace(self.found[fork.index], sums=sums, values=values, ends=ends, ring=ring)
        self.found[fork.index] = replace(self.found[fork.index], outputs=outputs)
        self._pace = fork.joined
        return Place(self.inputs, self.steps, outputs, self.steps, 0, 0, 0, 0, outputs)


def is_first_of_two(layers: Sequence[CLayer], index: int) -> bool:
    """Whether a layer runs forward over what the next one runs backward over."""
    return index + 1 < len(layers) and bool(layers[index + 1].merge)


def place_of(layer: CLayer, inputs: int, steps: int, *, ends: bool) -> Place:
    """Return the place of a layer that is given so many vectors; ``ends`` where none is handed on before the last.

    Raises
    ------
    ValueError
        If a window is shorter than a filter.
    """
    if layer.kind in ("conv", "residual", *POOLS):
        return _filter(layer, inputs, steps)
    if layer.kind == ATTENTION:
        # Every step's input, keys and values; what is handed on, and a query or what it attends to.
        values = inputs + layer.units + steps * (inputs + 2 * layer.units)
        scratch = max(GATES[ATTENTION] * layer.units, steps, inputs)
        return Place(inputs, steps, inputs, steps, 0, steps, scratch, 0, values)
    outputs = layer.units or inputs
    sums = outputs if layer.kind in ("lstm", "global_average", "dense_over_time") else 0
    scratch = layer.units * GATES[layer.kind] * (2 if layer.kind == "gru_reset_after" else 1)
    values, count, after = outputs, steps, 0
    if layer.kind in RECURRENT:
        values = layer.units * (2 if layer.kind == "gru" else 1)
    if layer.merge:
        outputs *= 2 if layer.merge == "concat" else 1
        after = 0 if ends else steps
        values += outputs + steps * inputs + after * outputs
    if layer.kind in (*WHOLE, "dense_over_time") or layer.hands_last:
        count = 1
    return Place(inputs, steps, outputs, count, 0, after, scratch, sums, values)


def _filter(layer: CLayer, inputs: int, steps: int) -> Place:
    """Return the place of a convolution or a pool."""
    count, before, after = margins(layer, steps)
    outputs = layer.units or inputs
    if layer.kind in POOLS:
        # A pool grows with each vector; one that the window cuts off is handed on with the last.
        sums = outputs if layer.kind == "average_pool" else 0
        return Place(inputs, steps, outputs, count, before, 0, 0, sums, outputs)
    scratch = outputs * (2 if layer.kind == "residual" else 1)
    values = outputs + ring_of(layer, steps) * inputs
    return Place(inputs, steps, outputs, count, before, after, scratch, 0, values)


def margins(layer: CLayer, steps: int) -> tuple[int, int, int]:
    """Return how often a filter lies along a window as TensorFlow places it, and the margins before and after.

    Raises
    ------
    ValueError
        If the window is shorter than the filter.
    """
    before = after = 0
    if layer.padding == "same":
        missing = max(0, (-(-steps // layer.stride) - 1) * layer.stride + layer.reach + 1 - steps)
        before, after = missing // 2, missing - missing // 2
    elif layer.padding == "causal":
        before = layer.reach
    if steps + before + after <= layer.reach:
        raise ValueError(
            f"expected a window of at least {layer.reach + 1} steps there, as its filters have, got {steps}"
        )
    return (steps + before + after - layer.reach - 1) // layer.stride + 1, before, after


def ring_of(layer: CLayer, steps: int) -> int:
    """Return how many vectors a convolution remembers."""
    return min(layer.reach + 1, steps)


def busiest_step(layers: Sequence[CLayer], at: Sequence[Place]) -> tuple[int, ...]:
    """Return how often each layer runs for the sample for which most products are computed."""
    most, cost = (0,) * len(layers), -1
    arrived: dict[tuple[int, int], int] = {}
    for sample in range(at[0].steps):
        runs = [0] * len(layers)
        _give(layers, at, 0, sample, runs, arrived)
        if sample + 1 == at[0].steps:
            for index, place in enumerate(at[: len(layers)]):
                for late in range(place.after):
                    _give(layers, at, index, place.steps + late, runs, arrived)
        total = sum(count * layer.products for count, layer in zip(runs, layers, strict=True))
        if total > cost:
            most, cost = tuple(runs), total
    return most


def _give(
    layers: Sequence[CLayer],
    at: Sequence[Place],
    first: int,
    step: int,
    runs: list[int],
    arrived: dict[tuple[int, int], int],
) -> None:
    """Count the runs of layers when one of them is given its vector number ``step``; ``arrived`` is what waits."""
    given: int | None = None
    open_forks: list[tuple[int, int | None, int | None]] = []
    for index, (layer, place) in enumerate(zip(layers, at, strict=False)):
        if index == first:
            given = step
        if layer.kind == FORK:
            open_forks.append((index, given, None))
        elif layer.kind in BRANCHING:
            fork, taken, ready = open_forks.pop()
            if given is not None:
                runs[index] += 1
                arrived[fork, given] = arrived.get((fork, given), 0) + 1
                ready = given if arrived[fork, given] == at[fork].ends else ready
            given = ready if layer.kind == JOIN else taken
            if layer.kind != JOIN:
                open_forks.append((fork, taken, ready))
        elif given is not None:
            given = _hand_on(layer, place, given, index, runs)
        if given is None and index >= first and not open_forks:
            return


def _hand_on(layer: CLayer, place: Place, step: int, index: int, runs: list[int]) -> int | None:
    """Count the runs of a layer that is given a vector; return the number of the one it hands on, if it does."""
    is_last = step + 1 == place.steps
    if layer.kind == ATTENTION:
        runs[index] += 1
        return step - place.steps if step >= place.steps else None
    if layer.merge:
        runs[index] += place.steps if is_last else 0
        if layer.hands_last:
            return 0 if is_last else None
        return step - place.steps if step >= place.steps else None
    if layer.kind in ("conv", "residual"):
        seen = step + place.before - layer.reach
        if seen < 0 or seen % layer.stride:
            return None
        runs[index] += 1
        return seen // layer.stride
    if layer.kind in POOLS:
        pool, into = divmod(step + place.before, layer.stride)
        is_cut = is_last and into < layer.pool
        return pool if pool < place.count and (into + 1 == layer.pool or is_cut) else None
    runs[index] += 1
    if layer.kind in (*WHOLE, "dense_over_time") or layer.hands_last:
        return 0 if is_last else None
    return step
