"""Overlapping windows by a state that is carried: what a window adds to the one before is all that is computed."""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine, load_engine
from edgehar.models.errors import HarError, UsageError
from edgehar.models.stateful import load_stateful
from edgehar.models.stateful.trained import was_trained_to_carry

_log = logging.getLogger(__name__)


class CarriedWindows:
    """Labels windows of a stream one after the other, and carries the state from each to the next.

    A window that begins with what the one before ended with continues it: only its last ``hop`` samples are stepped
    through. Any other one, such as the first after a gap, begins a stream: it is stepped through as a whole, from a
    fresh state. The interface is that of `edgehar.models.engines.Engine`, for windows of one stream in their order.

    Parameters
    ----------
    bundle, engine, quantization
        See `edgehar.models.stateful.load_stateful`.
    hop
        Samples from one window to the next.

    Raises
    ------
    UsageError
        If the model cannot be run as a stream, or windows that far apart do not overlap, or do not fit the blocks of
        the artifact.
    """

    def __init__(self, bundle: Bundle, engine: str = "auto", quantization: str = "float32", *, hop: int) -> None:
        length = bundle.manifest.window.length
        if not 0 < hop < length:
            raise UsageError(
                f"hop: expected 1 to {length - 1} samples, so that windows of {length} overlap, got {hop}",
                next_step="Pass a shorter hop: by their overlap it is known that windows follow one another.",
            )
        self._model, self._hop = load_stateful(bundle, engine, quantization), hop
        block, file = self._model.block, self._model.artifact
        if hop % block or length % block:
            raise UsageError(
                f"hop: expected a multiple of the {block} samples that {file} takes at once, got {hop}",
                next_step="Pass such a hop, or compile for single samples with `har compile --stateful`.",
            )
        self.name, self.runtime = self._model.name, f"{self._model.runtime}, stateful"
        self.artifact, self.quantization = self._model.artifact, self._model.quantization
        self._before: NDArray[np.float32] | None = None

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the outputs (n, n_classes) after the last samples of windows (n, length, channels) in their order."""
        return np.stack([self._next(window) for window in np.asarray(windows, np.float32)])

    def _next(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs after the last sample of the next window."""
        continues = self._before is not None and np.array_equal(self._before[self._hop :], window[: -self._hop])
        if not continues:
            self._model.reset()
        outputs = self._model.step(window[-self._hop :] if continues else window)
        self._before = window.copy()
        return outputs


def stream_engine(
    bundle: Bundle,
    engine: str = "auto",
    quantization: str = "float32",
    *,
    hop: int,
    streaming: bool | None = None,
    threads: int = 1,
) -> Engine:
    """Return what labels the windows of a stream: with the state carried, or from a fresh one for each.

    Parameters
    ----------
    bundle, engine, quantization, hop
        As of `CarriedWindows`.
    streaming
        Whether the state is carried. None: if the model was trained so, and its windows can be run so.
    threads
        How many an engine of windows may use.

    Raises
    ------
    UsageError
        If the state shall be carried, and cannot be.
    """
    if streaming:
        return CarriedWindows(bundle, engine, quantization, hop=hop)
    if streaming is None and was_trained_to_carry(bundle.manifest) and hop < bundle.manifest.window.length:
        try:
            return CarriedWindows(bundle, engine, quantization, hop=hop)
        except HarError as error:
            _log.warning("%s; its state, which it was trained to carry, is reset at every window", error.message)
    return load_engine(bundle, engine, quantization, threads=threads)
