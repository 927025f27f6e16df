"""Carry state with the C engine as it runs on a microcontroller, compiled for this machine."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture.stateful import states_of
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines.native import aligned_bytes, open_model, runtime_version
from edgehar.models.engines.native_library import load_stream_library
from edgehar.models.errors import EngineError
from edgehar.models.portable.fixed_point import CELL_BITS, VALUE_BITS, to_samples
from edgehar.models.portable.integer_reference import to_reals
from edgehar.models.portable.tables import INT8, output_type
from edgehar.models.quantization import quantize
from edgehar.models.stateful.stream import States

_ONE: Final = {"h": (2.0**-VALUE_BITS, np.int16), "c": (2.0**-CELL_BITS, np.int32)}
"""Worth and type of the integers of hidden states and cells."""

_LARGEST_CELL: Final = 2.0 ** (31 - CELL_BITS) - 1
"""What har_stream.c holds cells to: a step adds at most 1, which 32 bits must still hold."""


class NativeStream:
    """Runs a blob of the C engine's tables; see `edgehar.models.stateful.stream.Stream`.

    States of an integer model are the exact multiples of 2^-15 and 2^-20 that it computes with.
    """

    name = "native"
    block = 1

    def __init__(self, bundle: Bundle, artifact: ArtifactEntry) -> None:
        self.artifact, self.quantization, self.runtime = artifact.file, artifact.quantization, runtime_version()
        self._library = load_stream_library(artifact.quantization)
        opened = open_model(bundle, artifact, self._library)
        self._opened, self._is_integer = opened, opened.tables.quantization == INT8
        self.state_type: type[np.floating[Any]] = np.float64 if self._is_integer else np.float32
        self._states = states_of(bundle.manifest.architecture)
        self._memory = aligned_bytes(self._library.har_native_memory(opened.model))

    def step(self, samples: NDArray[np.float32], states: States) -> tuple[NDArray[np.float32], States]:
        """Return the outputs after samples, and the states then."""
        tables = self._opened.tables
        numbers = to_samples(samples, tables.sample_bits) if self._is_integer else samples
        hidden, cells = (self._joined(states, letter) for letter in "hc")
        outputs: NDArray[Any] = np.empty(tables.classes, output_type(tables))
        addresses = [array.ctypes.data for array in (hidden, cells, outputs)]
        status = self._library.har_native_stream(
            self._opened.model, self._memory.ctypes.data, numbers.ctypes.data, len(numbers), *addresses
        )
        if status:
            raise EngineError(f"engine native: the library refused the samples (status {status}), a bug in edgehar")
        after = self._apart(hidden, "h") | self._apart(cells, "c")
        return to_reals(outputs) if self._is_integer else outputs, {
            state.name: after[state.name] for state in self._states
        }

    def _joined(self, states: States, letter: str) -> NDArray[Any]:
        """Return all hidden states, or all cells, one after the other in the engine's numbers."""
        parts = [states[state.name][0] for state in self._states if state.name.endswith(f"_{letter}")]
        values = np.concatenate([np.empty(0, self.state_type), *parts])
        if not self._is_integer:
            return values
        scale, dtype = _ONE[letter]
        return quantize(np.clip(values, -_LARGEST_CELL, _LARGEST_CELL), scale=scale, dtype=dtype)

    def _apart(self, values: NDArray[Any], letter: str) -> States:
        """Return hidden states, or cells, by their names."""
        found, start = {}, 0
        for state in self._states:
            if state.name.endswith(f"_{letter}"):
                own = values[np.newaxis, start : start + state.units]
                found[state.name] = own * _ONE[letter][0] if self._is_integer else own
                start += state.units
        return found


def native_stream(bundle: Bundle, artifact: ArtifactEntry) -> NativeStream:
    """Return the stream of one of a bundle's files."""
    return NativeStream(bundle, artifact)
