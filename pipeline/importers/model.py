"""What a foreign model is once it is read: our architecture, its weights, and where they came from."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.architecture.stateful import stateful_obstacle
from edgehar.models.errors import ModelFileError
from edgehar.pipeline.importers.keras_description import SideInput

LONGEST_NAME: Final = 60

_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far the oracle is from the source framework on some inputs.

    ``max_abs_error`` is the largest difference of an output, divided by the output where that is larger than one.
    """

    inputs: str
    windows: int
    framework: str
    max_abs_error: float


@dataclass(frozen=True, slots=True, eq=False)
class ForeignModel:
    """A model that was read from another framework.

    Parameters
    ----------
    architecture, weights
        The same model in this project's terms.
    framework
        What wrote it, such as ``keras 3.15.1``.
    source
        The file it came from, or how it was handed over.
    digest
        SHA-256 of the file, empty for a model in memory.
    carries_state
        Whether it goes on from window to window where it comes from.
    inputs
        Those of a model that has several: they stand side by side in its window.
    """

    architecture: Architecture
    weights: Mapping[str, NDArray[np.float32]]
    framework: str
    source: str
    digest: str = ""
    carries_state: bool = False
    inputs: tuple[SideInput, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """One layer of ours with its weights by their short names.

    ``selects`` is whether it is a dense layer that only takes some features of a window.
    """

    layer: Any
    weights: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    selects: bool = False


def build(name: str, input_shape: tuple[int, int], parts: Iterable[Converted], *, where: str) -> Architecture:
    """Return the architecture of converted layers.

    Raises
    ------
    ModelFileError
        If nothing is left, or the layers do not fit one another.
    """
    layers = tuple(part.layer for part in parts)
    built = Architecture(clean_name(name), *input_shape, layers)
    try:
        return Architecture.from_json(built.to_json())
    except Exception as error:
        raise ModelFileError(
            f"{where}: expected layers that end in one vector for every window and stay within this project's limits, "
            f"got something else ({getattr(error, 'message', error)!s:.300})",
            next_step="Save the part of the model that ends in its outputs.",
        ) from error


def refuse_without_stream(model: ForeignModel) -> None:
    """Refuse a model that goes on from window to window and has layers that cannot.

    Raises
    ------
    ModelFileError
        If there is such a layer.
    """
    obstacle = stateful_obstacle(model.architecture) if model.carries_state else None
    if obstacle is not None:
        raise ModelFileError(
            f"{model.source}: the model carries its state from window to window, and {obstacle}",
            next_step="Save it without stateful, to import it as a model of windows.",
        )


def clean_name(name: str) -> str:
    """Return a name that can be a file's, a tensor's and a C comment's.

    Examples
    --------
    >>> clean_name("my model/v2")
    'my_model_v2'
    """
    return _UNUSUAL.sub("_", name)[:LONGEST_NAME].strip("_") or "model"


def unique_names(names: Iterable[str]) -> list[str]:
    """Return clean names that all differ.

    Examples
    --------
    >>> unique_names(["a b", "a_b", "c"])
    ['a_b', 'a_b_2', 'c']
    """
    found: list[str] = []
    for name in map(clean_name, names):
        fresh, number = name, 1
        while fresh in found:
            number += 1
            fresh = f"{name}_{number}"
        found.append(fresh)
    return found
