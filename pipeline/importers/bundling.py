"""A foreign model -> a bundle: what its file does not say is said by the user, or left open and never guessed."""

import datetime
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models import __version__
from edgehar.models.architecture import Architecture
from edgehar.models.architecture.masks import mask_obstacle
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.bundle.consistency import AS_TRAINED, RATES_HZ, UNIT
from edgehar.models.bundle.manifest import DecoderSpec, Provenance, WindowSpec
from edgehar.models.bundle.tasks import task_of
from edgehar.models.contract import CHANNELS, SAMPLE_RATE_HZ
from edgehar.models.errors import ModelFileError, UsageError
from edgehar.models.normalization import Normalization
from edgehar.pipeline.compilers.quantization.calibration import checked_windows
from edgehar.pipeline.importers.comparison import (
    Outputs,
    compare,
    outputs_in_memory,
    outputs_of_file,
    random_windows,
)
from edgehar.pipeline.importers.keras_chain import read_chain, with_steps
from edgehar.pipeline.importers.keras_file import KerasModel, weights_file
from edgehar.pipeline.importers.keras_inputs import are_axes, one_window
from edgehar.pipeline.importers.keras_layers import convert_layers
from edgehar.pipeline.importers.keras_memory import IN_MEMORY, read_keras_memory
from edgehar.pipeline.importers.model import (
    Comparison,
    Converted,
    ForeignModel,
    build,
    refuse_without_stream,
    unique_names,
)
from edgehar.pipeline.importers.onnx_model import RUNTIME, read_onnx_model
from edgehar.pipeline.importers.source import SourceFile, keras_reader, read_source

_UNKNOWN: Final = "unknown"
_TOKENS: Final = "token"
_NOT_ASKED: Final = "it was not asked for"


def import_model(
    model: Any,
    *,
    labels: Sequence[str] | None = None,
    rate_hz: float = SAMPLE_RATE_HZ,
    window: int | None = None,
    data: Mapping[str, NDArray[Any] | Mapping[str, NDArray[Any]]] | None = None,
    compare_with_source: bool = True,
) -> Bundle:
    """Return a bundle of somebody else's trained model, held to the framework that it comes from.

    Parameters
    ----------
    model
        The path of a ``.keras`` file, of an ``.h5`` file that holds a whole model or of an ``.onnx`` file, or a Keras
        model in memory.
        Nothing of a file is executed.
    labels
        What the outputs are called, in their order; ``class_0``, ``class_1`` and so on by default.
    rate_hz
        Samples per second of the windows it was trained on.
    window
        Steps of a window, where the model takes windows of any length.
    data : mapping from a name to an ndarray of shape (n, steps, features), or (n, steps) of tokens
        Inputs to compare on as well, such as those it was tested with. Of a model that has several inputs: a mapping
        from each input's name to its array.
    compare_with_source
        Let the framework compute the same inputs, where it is installed.

    Raises
    ------
    ModelFileError
        If the file cannot be read, a layer or an option cannot be expressed, or the outputs are not those of the
        source framework.
    UsageError
        If labels, rate or window do not fit the model.
    DataError
        If the data are not windows of the model.
    """
    foreign, outputs = _read(model, window)
    architecture = foreign.architecture
    names = _labels(labels, architecture)
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise UsageError(f"rate: expected {RATES_HZ[0]:g} to {RATES_HZ[1]:g} Hz, got {rate_hz:g}")
    inputs: dict[str, NDArray[np.float32]] = dict([random_windows(foreign)])
    for name, windows in (data or {}).items():
        whole = one_window(foreign.inputs, windows, architecture.window, where=name)
        inputs[name] = checked_windows(whole, architecture, where=name)
    comparisons, reason = _compared(foreign, outputs, inputs) if compare_with_source else ([], _NOT_ASKED)
    return make_bundle(
        architecture=architecture,
        labels=names,
        window=_window(foreign, rate_hz),
        normalization=Normalization((0.0,) * architecture.channels, (1.0,) * architecture.channels),
        weights=foreign.weights,
        decoder=DecoderSpec(1, 0.0, 0),
        provenance=_provenance(foreign, comparisons, reason),
        task=task_of(architecture),
    )


def _read(model: Any, window: int | None) -> tuple[ForeignModel, Outputs]:
    """Return a model and how its own framework computes it."""
    if isinstance(model, str | os.PathLike):
        source = read_source(Path(model))
        reader = keras_reader(source)
        if reader is None:
            return read_onnx_model(source, window)
        return _read_keras(reader(source.content, where=source.where), window, source)
    return _read_keras(read_keras_memory(model), window, model)


def _read_keras(read: KerasModel, window: int | None, origin: Any) -> tuple[ForeignModel, Outputs]:
    """Return a model of Keras; ``origin`` is its file, or the model in memory."""
    source = origin if isinstance(origin, SourceFile) else None
    where = IN_MEMORY if source is None else source.where
    chain = read_chain(read.configuration, where=where)
    steps, features = with_steps(chain, window, where=where)
    parts = convert_layers(chain, (steps, features), read.weights, where=where)
    _refuse_other_meanings(parts, read.version, where)
    _refuse_lost_mask(parts, where)
    name = chain.name if source is None else Path(source.where).stem
    architecture = build(name, (steps, features), parts, where=where)
    weights = {f"{part.layer.name}/{key}": value for part in parts for key, value in part.weights.items()}
    foreign = ForeignModel(
        architecture,
        weights,
        f"keras {read.version}",
        where,
        "" if source is None else source.digest,
        chain.carries_state,
        chain.inputs,
    )
    refuse_without_stream(foreign)
    if source is None:
        return foreign, outputs_in_memory(origin, chain)
    return foreign, outputs_of_file(chain, steps, *weights_file(source.content))


def _refuse_lost_mask(parts: Sequence[Converted], where: str) -> None:
    """Refuse a layer behind a mask that cannot leave out steps."""
    obstacle = mask_obstacle([part.layer for part in parts])
    if obstacle is not None:
        raise ModelFileError(
            f"{where}: {obstacle}",
            next_step="End the masked part with a recurrent layer that keeps its last step, or train without the mask.",
        )


def _refuse_other_meanings(parts: Sequence[Converted], version: str, where: str) -> None:
    """Refuse what Keras 2 called by a name that means something else since Keras 3."""
    for part in parts if version.startswith("2.") else ():
        names = {getattr(part.layer, key, "") for key in ("activation", "recurrent_activation")}
        if names & {"hard_sigmoid", "hard_silu"}:
            raise ModelFileError(
                f"{where}: layer {part.layer.name} has a hard_sigmoid of Keras {version}, which is 0.2 x + 0.5 and no "
                "longer what Keras 3 computes",
                next_step="Train the model again with Keras 3.",
                layer=part.layer.name,
            )


def _compared(
    foreign: ForeignModel, outputs: Outputs, inputs: Mapping[str, NDArray[np.float32]]
) -> tuple[list[Comparison], str | None]:
    """Return the comparisons with the source, or why there are none."""
    framework = RUNTIME if foreign.framework.startswith("onnx") else "keras"
    if find_spec(framework) is None:
        return [], f"{framework} is not installed here"
    return compare(foreign, outputs, inputs), None


def _labels(labels: Sequence[str] | None, architecture: Architecture) -> tuple[str, ...]:
    """Return a name for each output."""
    if labels is None:
        return tuple(f"class_{index}" for index in range(architecture.classes))
    names = tuple(label.strip() for label in labels)
    if len(names) != architecture.classes or len(set(names)) < len(names) or not all(names):
        raise UsageError(
            f"labels: expected {architecture.classes} different names, one for each output, got {len(set(names))}",
            next_step="Name all of them in their order, such as --labels walking,sitting.",
        )
    return names


def _window(foreign: ForeignModel, rate_hz: float) -> WindowSpec:
    """Return what a window is: three features are taken for acceleration in g, which every use holds to gravity.

    Three of several inputs are that only if their names say so.
    """
    architecture = foreign.architecture
    is_acceleration = architecture.channels == len(CHANNELS)
    is_acceleration &= not foreign.inputs or are_axes(each.name for each in foreign.inputs)
    channels = CHANNELS if is_acceleration else _features(foreign)
    if architecture.vocabulary is not None:
        channels = (_TOKENS,)
    unit = UNIT if is_acceleration else AS_TRAINED
    hop = max(1, architecture.window // 2)
    return WindowSpec(architecture.window, hop, rate_hz, channels, unit, _UNKNOWN, _UNKNOWN)


def _features(foreign: ForeignModel) -> tuple[str, ...]:
    """Return the names of the features: of several inputs, those of the inputs and a number."""
    sides = foreign.inputs
    if not sides:
        return tuple(f"feature_{index}" for index in range(foreign.architecture.channels))
    return tuple(unique_names(f"{each.name}_{index}" for each in sides for index in range(each.features)))


def _provenance(foreign: ForeignModel, comparisons: Sequence[Comparison], reason: str | None) -> Provenance:
    """Return where the model came from, and what it was compared with."""
    file = re.split(r"[\\/]", foreign.source)[-1]
    return Provenance(
        dataset=f"unknown: imported from {file}",
        dataset_sha256="",
        dataset_terms="Those of whoever trained it.",
        seed=0,
        complete=True,
        created_utc=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        versions={"edgehar": __version__},
        configuration={
            "imported": {
                "file": file,
                "sha256": foreign.digest,
                "framework": foreign.framework,
                "comparisons": [asdict(comparison) for comparison in comparisons],
                "not_compared": reason,
                **({"carries_state": True} if foreign.carries_state else {}),
                **({"inputs": [asdict(each) for each in foreign.inputs]} if foreign.inputs else {}),
            }
        },
    )
