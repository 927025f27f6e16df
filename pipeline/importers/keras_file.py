"""Files of Keras -> a configuration and weights: ``.keras`` (a zip) and ``.h5`` with the whole model."""

import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from edgehar.models.bundle.ziplimits import DAMAGE, read_member, refuse_long_directory
from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.hdf5 import SIGNATURE, Hdf5Contents, read_hdf5

MAXIMUM_CONFIGURATION_BYTES: Final = 4 * 2**20
"""Bytes of a model's description: a thousand layers take one of them."""

MAXIMUM_WEIGHTS_BYTES: Final = 256 * 2**20
"""Bytes of the file of weights, the optimizer's three copies of them included."""

_CONFIGURATION: Final = "config.json"
_METADATA: Final = "metadata.json"
_WEIGHTS: Final = "model.weights.h5"
_LAYERS: Final = ("layers", "_layer_checkpoint_dependencies")
"""Where Keras 3, and Keras 2 before it, keep the layers in their file of weights."""


class WeightSource(Protocol):
    """Where the weights of a layer come from."""

    def arrays(self, kind: str, name: str, number: int, inner: Sequence[str]) -> list[NDArray[Any]]:
        """Return a layer's arrays in Keras order.

        Parameters
        ----------
        kind, name
            The layer's class and its name.
        number
            How many layers of this class stand before it.
        inner
            Paths of the parts that hold its weights, such as ``cell``; empty for the layer itself.
        """


@dataclass(frozen=True, slots=True, eq=False)
class KerasModel:
    """A model as Keras describes it: its configuration as data, its weights, and the version that wrote it."""

    configuration: dict[str, Any]
    weights: WeightSource
    version: str


def read_keras_zip(content: bytes, *, where: str) -> KerasModel:
    """Read a ``.keras`` file.

    Raises
    ------
    ModelFileError
        If it is damaged, larger than the limits, or lacks its description or its weights.
    """
    try:
        stream = io.BytesIO(content)
        refuse_long_directory(stream)
        with zipfile.ZipFile(stream) as archive:
            configuration = _member(archive, _CONFIGURATION, MAXIMUM_CONFIGURATION_BYTES, where)
            metadata = _member(archive, _METADATA, MAXIMUM_CONFIGURATION_BYTES, where)
            weights = _member(archive, _WEIGHTS, MAXIMUM_WEIGHTS_BYTES, where)
    except DAMAGE as error:
        raise ModelFileError(
            f"{where}: expected a whole .keras file, got a damaged zip ({printable(str(error), 160)})",
            next_step="Save the model again with model.save('my.keras').",
        ) from error
    described = parse_json(configuration, where=f"{where}: {_CONFIGURATION}")
    version = parse_json(metadata, where=f"{where}: {_METADATA}").get("keras_version")
    return KerasModel(described, GroupedWeights(read_hdf5(weights, where=f"{where}: {_WEIGHTS}")), _text(version))


def read_keras_hdf5(content: bytes, *, where: str) -> KerasModel:
    """Read an ``.h5`` file that holds a whole model.

    Raises
    ------
    ModelFileError
        If it is damaged, larger than the limits, or holds weights alone.
    """
    found = read_hdf5(content, where=where)
    described = found.text("@model_config")
    if described is None:
        raise ModelFileError(
            f"{where}: expected a whole model, got a file of weights alone",
            next_step="Build the model, load these weights, and save all of it with model.save('my.keras').",
        )
    configuration = parse_json(described.encode(), where=f"{where}: model_config")
    return KerasModel(configuration, ListedWeights(found), _text(found.text("@keras_version")))


def weights_file(content: bytes) -> tuple[bytes, str]:
    """Return what Keras loads weights from, of a file that was read: the bytes, and how their file's name must end."""
    if content.startswith(SIGNATURE):
        return content, ".h5"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return read_member(archive, archive.getinfo(_WEIGHTS), MAXIMUM_WEIGHTS_BYTES), ".weights.h5"


def parse_json(content: bytes, *, where: str) -> dict[str, Any]:
    """Return a JSON object of a file.

    Raises
    ------
    ModelFileError
        If it is none, or larger or deeper than the limits.
    """
    if len(content) > MAXIMUM_CONFIGURATION_BYTES:
        raise ModelFileError(
            f"{where}: expected at most {MAXIMUM_CONFIGURATION_BYTES:,} bytes of description, got more",
            next_step="Do not use this file: it is made to exhaust memory.",
        )
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{where}: expected JSON as Keras writes it, got something else ({printable(str(error), 120)})",
            next_step="The file is damaged: save the model again.",
        ) from error
    if not isinstance(data, dict):
        raise ModelFileError(f"{where}: expected a JSON object, got a {type(data).__name__}")
    return data


class GroupedWeights:
    """The weights of a ``.keras`` file: a group for each layer, named by its class and a number."""

    def __init__(self, found: Hdf5Contents) -> None:
        self._arrays = found.arrays
        self._named = {
            texts[0]: path.removesuffix("/vars@name")
            for path, texts in found.texts.items()
            if path.startswith(_LAYERS) and path.count("/") == 2 and path.endswith("/vars@name") and texts
        }

    def arrays(self, kind: str, name: str, number: int, inner: Sequence[str]) -> list[NDArray[Any]]:
        """Return a layer's arrays; see `WeightSource`."""
        numbered = snake_case(kind) + (f"_{number}" if number else "")
        groups = [self._named.get(name), *(f"{root}/{numbered}" for root in _LAYERS)]
        for group in groups:
            found = [] if group is None else self._below(group, inner)
            if found:
                return found
        return []

    def _below(self, group: str, inner: Sequence[str]) -> list[NDArray[Any]]:
        """Return the arrays of a layer's parts in order."""
        found = []
        for part in inner or ("",):
            prefix = f"{group}/{part}/vars/" if part else f"{group}/vars/"
            numbers = [path.removeprefix(prefix) for path in self._arrays if path.startswith(prefix)]
            found += [self._arrays[prefix + number] for number in sorted(filter(str.isdecimal, numbers), key=int)]
        return found


class ListedWeights:
    """The weights of an ``.h5`` file: a list of names for each layer, in order."""

    def __init__(self, found: Hdf5Contents) -> None:
        self._found = found

    def arrays(self, kind: str, name: str, number: int, inner: Sequence[str]) -> list[NDArray[Any]]:
        """Return a layer's arrays; see `WeightSource`."""
        path = f"model_weights/{name}"
        names = self._found.texts.get(f"{path}@weight_names", [])
        part = 0
        while more := self._found.texts.get(f"{path}@weight_names{part}"):
            names, part = [*names, *more], part + 1
        found = [self._found.arrays.get(f"{path}/{weight}") for weight in names]
        return [array for array in found if array is not None]


def snake_case(kind: str) -> str:
    """Return the name that Keras gives to what it keeps of a class.

    Examples
    --------
    >>> snake_case("SimpleRNN"), snake_case("Conv1D"), snake_case("LayerNormalization")
    ('simple_rnn', 'conv1d', 'layer_normalization')
    """
    apart = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub("([a-z])([A-Z])", r"\1_\2", apart).lower()


def _member(archive: zipfile.ZipFile, name: str, most: int, where: str) -> bytes:
    """Return a member of the file, after its size is known."""
    members = [member for member in archive.infolist() if member.filename == name]
    if len(members) != 1:
        what = "no" if not members else f"{len(members)} times"
        raise ModelFileError(
            f"{where}: expected {_CONFIGURATION}, {_METADATA} and {_WEIGHTS} in a .keras file, got {what} {name}",
            next_step="Save the whole model with model.save('my.keras').",
            member=name,
        )
    content = read_member(archive, members[0], most + 1)
    if len(content) > most:
        raise ModelFileError(
            f"{where}: expected {name} of at most {most:,} bytes, it unpacks to more",
            next_step="Do not use this file: it is too large, or made to exhaust memory.",
            member=name,
        )
    return content


def _text(value: Any) -> str:
    """Return the version a file claims, fit to be shown."""
    return printable(value, 40) if isinstance(value, str) else "of an unknown version"
