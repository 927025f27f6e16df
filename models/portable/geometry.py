"""Where the layers of the C engine stand along a window: what each is given, when it hands on, what it must remember.

A layer is given one vector after another. Most hand on a vector for each; convolutions and pools do where a filter
ends; layers that need what comes after a step do when the window has ended. So nothing is kept but what a layer needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgehar.models.portable.layers import ATTENTION, GATES, POOLS, RECURRENT, WHOLE, CLayer


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


def places(layers: Sequence[CLayer], step_layers: int, window: int, channels: int) -> tuple[Place, ...]:
    """Return the place of every layer.

    Raises
    ------
    ValueError
        If a window is shorter than a filter.
    """
    found: list[Place] = []
    inputs, steps = channels, window
    for index, layer in enumerate(layers):
        place = place_of(layer, inputs, steps, ends=index + 1 == step_layers)
        found.append(place)
        if not is_first_of_two(layers, index):
            inputs = place.outputs
        steps = place.count if index + 1 < step_layers else 1
    return tuple(found)


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
    if layer.kind in (*WHOLE, "dense_over_time"):
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
    for sample in range(at[0].steps):
        runs = [0] * len(layers)
        _give(layers, at, 0, sample, runs)
        if sample + 1 == at[0].steps:
            for index, place in enumerate(at[: len(layers)]):
                for late in range(place.after):
                    _give(layers, at, index, place.steps + late, runs)
        total = sum(count * layer.products for count, layer in zip(runs, layers, strict=True))
        if total > cost:
            most, cost = tuple(runs), total
    return most


def _give(layers: Sequence[CLayer], at: Sequence[Place], first: int, step: int, runs: list[int]) -> None:
    """Count the runs of layers when one of them is given its vector number ``step``."""
    for index in range(first, len(layers)):
        layer, place = layers[index], at[index]
        if layer.kind == ATTENTION:
            runs[index] += 1
            if step < place.steps:
                return
            step -= place.steps
        elif layer.merge:
            runs[index] += place.steps if step + 1 == place.steps else 0
            if step < place.steps:
                return
            step -= place.steps
        elif layer.kind in ("conv", "residual"):
            seen = step + place.before - layer.reach
            if seen < 0 or seen % layer.stride:
                return
            runs[index] += 1
            step = seen // layer.stride
        elif layer.kind in POOLS:
            pool, into = divmod(step + place.before, layer.stride)
            if pool >= place.count or (into + 1 != layer.pool and (step + 1 != place.steps or into >= layer.pool)):
                return
            step = pool
        else:
            runs[index] += 1
