"""Using a model for programs: open a bundle, classify windows that are already there."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from edgehar.models import engines
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.bundle.tasks import MULTICLASS
from edgehar.models.engines import Engine
from edgehar.models.errors import UsageError
from edgehar.models.zoo import DEFAULT, find_bundle
from edgehar.pipeline.data.windows import Windows

if TYPE_CHECKING:
    from edgehar.models.stateful import StatefulModel
    from edgehar.pipeline.bulk.classification import Classification

Model: TypeAlias = Bundle | str | os.PathLike[str]
"""A model in memory, the path of a bundle's folder or zip, or the name of a released model."""


def open_bundle(path: Model) -> Bundle:
    """Open a bundle: its folder, a zip of it, or the name of a released model. Every size and hash is checked.

    A bundle that is open already is returned as it is.

    Raises
    ------
    BundleError
        If there is no bundle, or it is damaged.
    """
    return path if isinstance(path, Bundle) else read_bundle(find_bundle(path))


def load_engine(bundle: Model, name: str = "auto", quantization: str = "float32", *, threads: int = 1) -> Engine:
    """Return an engine that runs one of a bundle's artifacts; its ``predict`` takes windows.

    Parameters
    ----------
    bundle
        The model, the path of one, or the name of a released one.
    name
        An engine, such as ``native``, ``litert`` or ``onnxruntime``, or ``auto``: of the installed ones that have an
        artifact of this quantization, the one measured fastest.
    quantization
        Of the artifact: ``float32`` unless the bundle holds others.
    threads
        Processor threads that windows are spread over; one window runs on one thread.

    Raises
    ------
    UsageError
        If there is no such engine, the bundle has no artifact of this format and quantization, or threads are no count.
    EngineError
        If the engine is not installed, or refuses the artifact; with ``auto``, if no engine can be loaded.

    Examples
    --------
    >>> import edgehar
    >>> engine = edgehar.load_engine("simple_rnn", "numpy")
    >>> engine.predict(np.zeros((2, 200, 3), np.float32)).shape
    (2, 12)
    """
    return engines.load_engine(open_bundle(bundle), name, quantization, threads=threads)


def load_stateful(bundle: Model, name: str = "auto", quantization: str = "float32") -> "StatefulModel":
    """Return a model that carries its state from sample to sample.

    Stepping through the samples of a window from a fresh state gives what `load_engine` gives for the window.

    Parameters
    ----------
    bundle
        The model, the path of one, or the name of a released one. LiteRT and ONNX Runtime run the files that
        ``har compile --stateful`` adds to it.
    name
        An engine, or ``auto``: the fastest that is installed and has an artifact of this quantization.
    quantization
        Of the artifact.

    Raises
    ------
    UsageError
        If the model has no state, or takes windows as a whole; if there is no such engine, or no such artifact.
    EngineError
        If the engine is not installed, or refuses the artifact.

    Examples
    --------
    >>> import edgehar
    >>> stream = edgehar.load_stateful("simple_rnn", "numpy")
    >>> stream.step(np.zeros((1, 3), np.float32)).shape
    (12,)
    """
    from edgehar.models.stateful import load_stateful

    return load_stateful(open_bundle(bundle), name, quantization)


def load(model: Model = DEFAULT) -> Bundle:
    """Return a released model by its name, such as ``lstm``; a path that exists is opened as a bundle.

    Parameters
    ----------
    model
        Default: the model that `har live` uses when none is named.

    Raises
    ------
    BundleError
        If there is no such model.
    """
    return open_bundle(model)


def save_bundle(bundle: Bundle, path: str | os.PathLike[str], *, plots: Mapping[str, bytes] | None = None) -> Bundle:
    """Write a bundle as a folder, whole or not at all, and return it as found there.

    Parameters
    ----------
    bundle
        The model.
    path
        A new folder, or a bundle that is replaced.
    plots
        Pictures to keep in it, by file name. Default: those it was opened with.

    Raises
    ------
    BundleError
        If something other than a bundle stands there.
    """
    return bundle.save(Path(path), plots=plots)


def predict(
    bundle: Model | Engine,
    windows: npt.ArrayLike | Windows,
    *,
    engine: str = "auto",
    quantization: str = "float32",
) -> npt.NDArray[np.float32]:
    """Return the probability of every label for every window.

    Parameters
    ----------
    bundle
        The model, or the path of one. Or an engine from `edgehar.load_engine`, which is loaded once for many calls.
    windows : Windows, or array-like of shape (n, window_length, 3) or (window_length, 3), in g
        Raw acceleration, gravity included, at the model's rate. Of a model of tokens, whole numbers of shape
        (n, window_length) or (window_length,).
    engine, quantization
        What computes, and which artifact of the bundle.

    Returns
    -------
    ndarray of shape (n, n_labels), float32
        In the order of ``bundle.manifest.labels``.

    Raises
    ------
    DataError
        If the windows have another shape than the model's, or a value is not finite.
    EngineError
        If the engine is not installed.
    """
    if isinstance(bundle, Bundle | str | os.PathLike):
        bundle = engines.load_engine(open_bundle(bundle), engine, quantization)
    values: npt.NDArray[Any] = windows.batch() if isinstance(windows, Windows) else np.asarray(windows, np.float32)
    return bundle.predict(values)


@overload
def classify(
    bundle: Model, windows: npt.ArrayLike | Windows, *, engine: str = "auto", quantization: str = "float32"
) -> list[str]: ...


@overload
def classify(
    bundle: Model,
    windows: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str],
    engine: str = "auto",
    quantization: str = "float32",
    scheduler: str | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> "Classification": ...


def classify(
    bundle: Model,
    windows: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    engine: str = "auto",
    quantization: str = "float32",
    scheduler: str | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> "list[str] | Classification":
    """Return the most probable label of every window; or, with ``out``, label an archive of recordings.

    Parameters
    ----------
    bundle
        The model, or the path of one.
    windows
        Windows as for `edgehar.predict`. With ``out``: a path of recordings, a pattern, an address, or several.
    out
        The folder for ``labels/*.parquet`` and ``summary.parquet``; what is there already is not done again. The
        bundle's decoder makes its labels.
    engine, quantization
        What computes, and which artifact of the bundle.
    scheduler, workers
        The address of a Dask scheduler, or the number of processes on this machine.
    progress
        Whether to show a progress bar, on a terminal or in a notebook.

    Raises
    ------
    UsageError
        If the model gives no label for a window, or the folder holds labels of another one.
    DataError
        If windows have another shape than the model's, or a path names no recordings.
    """
    model = open_bundle(bundle)
    if out is not None:
        return _classify_archive(
            model, windows, Path(out), progress, engine=engine, quantization=quantization, scheduler=scheduler,
            workers=workers,
        )  # fmt: skip
    if model.manifest.task != MULTICLASS or len(model.manifest.architecture.output_shape) > 1:
        raise UsageError(
            f"{model.manifest.model_id}: expected a model that gives one label for a window, "
            f"its outputs are those of a {model.manifest.task} model",
            next_step="Use edgehar.predict for its outputs.",
        )
    found = predict(model, windows, engine=engine, quantization=quantization).argmax(axis=1)
    return [model.manifest.labels[index] for index in found]


def _classify_archive(bundle: Bundle, paths: Any, out: Path, progress: bool, **options: Any) -> "Classification":
    """Label an archive, with a progress bar."""
    from edgehar.commands.progress import progress_bar
    from edgehar.pipeline.bulk.classification import classify_recordings

    named = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    with progress_bar("classifying", in_bytes=True, show=progress) as advance:
        return classify_recordings(bundle, [os.fspath(path) for path in named], out, progress=advance, **options)
