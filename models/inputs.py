"""What a model takes: windows of a signal (n, steps, channels), or of tokens (n, steps) as whole numbers.

Within the package tokens have an axis of one channel and are float32, which holds every whole number of a vocabulary.
Compiled files take them without that axis, as int32.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture

TOKEN_TYPE: Final = np.dtype(np.int32)
"""Type of tokens in compiled files."""


def input_type(architecture: Architecture) -> np.dtype[Any]:
    """Return the type of a float model's input in compiled files."""
    return np.dtype(np.float32) if architecture.vocabulary is None else TOKEN_TYPE


def with_channels(values: NDArray[Any], architecture: Architecture) -> NDArray[Any]:
    """Return one window or several, as a user has them, with all axes; other shapes are returned as they are.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> with_channels(np.zeros((200, 3)), named_architecture("lstm")).shape
    (1, 200, 3)
    """
    if values.shape == architecture.input_shape:
        values = values[np.newaxis]
    if architecture.vocabulary is not None and values.ndim == len(architecture.input_shape) + 1:
        values = values[..., np.newaxis]
    return values


def for_file(windows: NDArray[np.float32], architecture: Architecture) -> NDArray[Any]:
    """Return windows (n, steps, channels) as a compiled float file takes them.

    Examples
    --------
    >>> from edgehar.models.architecture import Architecture, Dense, Embedding, Flatten
    >>> words = Architecture("words", 4, 1, (Embedding("Words", 9, 2), Flatten("Flatten"), Dense("Output", 2)))
    >>> for_file(np.ones((1, 4, 1), np.float32), words)
    array([[1, 1, 1, 1]], dtype=int32)
    """
    if architecture.vocabulary is None:
        return windows
    return np.ascontiguousarray(windows[..., 0].astype(TOKEN_TYPE))


def are_tokens(values: NDArray[Any], vocabulary: int) -> bool:
    """Whether all values are whole numbers from 0 to below ``vocabulary``."""
    return bool(((values >= 0) & (values < vocabulary) & (values == np.floor(values))).all())
