"""The C engine, compiled for this machine: the engine of the microcontrollers, and the fastest for single windows."""

import ctypes
import itertools
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines import check_finite, shaped_windows
from edgehar.models.engines.native_library import find_compiler, load_library
from edgehar.models.engines.native_tables import artifact_tables
from edgehar.models.errors import BundleError, EngineError
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.portable.integer_reference import to_reals
from edgehar.models.portable.tables import INT8, CModel, output_type

_CACHE_LINE: Final = 64
_LEAST_WINDOWS_A_THREAD: Final = 64


def runtime_version() -> str:
    """Return the compiler that builds the engine.

    Raises
    ------
    EngineError
        If there is none.
    """
    # Which distribution packed the compiler stands in brackets, and says nothing of its arithmetic.
    return "C99 by " + re.sub(r"\s*\(.*?\)", "", find_compiler().version)


@dataclass(frozen=True, slots=True, eq=False)
class OpenModel:
    """A blob that the library has opened, and which must stay where it is."""

    tables: CModel
    blob: NDArray[np.uint8]
    model: Any


def open_model(bundle: Bundle, artifact: ArtifactEntry, library: ctypes.CDLL) -> OpenModel:
    """Return one of a bundle's artifacts as the library runs it, held to the architecture.

    Raises
    ------
    EngineError
        If it is no model of the C engine, or one of another shape or other numbers.
    """
    try:
        tables = artifact_tables(bundle, artifact)
    except BundleError as error:
        raise EngineError(f"engine native: {error.message}", next_step=error.next_step) from error
    content = bundle.files[artifact.file]
    blob = aligned_bytes(len(content))
    blob[:] = np.frombuffer(content, np.uint8)
    model = ctypes.create_string_buffer(library.har_native_size())
    status = library.har_native_open(model, blob.ctypes.data, len(content))
    if status:
        raise EngineError(
            f"engine native: {artifact.file}: expected the library to take what was checked, got status {status}",
            next_step="Use another engine, and report this: it is a bug in edgehar.",
        )
    return OpenModel(tables, blob, model)


class NativeEngine:
    """Runs a blob of the C engine's tables; see `edgehar.models.engines.Engine`."""

    name = "native"

    def __init__(self, bundle: Bundle, artifact: ArtifactEntry, *, threads: int = 1) -> None:
        self.runtime = runtime_version()
        self.artifact, self.quantization = artifact.file, artifact.quantization
        self._bundle, self._threads = bundle, threads
        self._library = load_library(artifact.quantization)
        opened = open_model(bundle, artifact, self._library)
        self._opened, self._model = opened, opened.model
        self._integer = opened.tables.quantization == INT8
        self._library_predict = self._library.har_native_predict
        self._classes = opened.tables.classes
        self._output_type, self._sample_bits = np.dtype(output_type(opened.tables)), opened.tables.sample_bits
        self._idle: list[_Memory] = []

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the outputs (n_windows, n_outputs) of windows (n_windows, window_length, channels) in g."""
        values = shaped_windows(windows, self._bundle)
        count = len(values)
        if count == 1:
            outputs = self._predict_one(values)
        else:
            outputs = np.empty((count, self._classes), self._output_type)
            parts = list(self._parts(count))
            if len(parts) == 1:
                self._predict(values, outputs)
            else:
                with ThreadPoolExecutor(self._threads) as pool:
                    list(pool.map(lambda part: self._predict(values[part], outputs[part]), parts))
        return to_reals(outputs) if self._integer else outputs

    def _predict_one(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Predict one window in memory whose addresses are known: asking for them takes longer than copying it."""
        numbers = self._numbers(values)
        memory = self._take()
        memory.window[...] = numbers
        self._run(memory, memory.window_address, 1, memory.outputs_address)
        outputs = memory.outputs.copy()
        self._idle.append(memory)
        return outputs

    def _predict(self, values: NDArray[np.float32], outputs: NDArray[Any]) -> None:
        """Predict any number of windows; neither NumPy nor the library holds a lock: threads run side by side."""
        numbers = self._numbers(values)
        memory = self._take()
        self._run(memory, numbers.ctypes.data, len(values), outputs.ctypes.data)
        self._idle.append(memory)

    def _numbers(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Return the numbers the model takes."""
        check_finite(values)
        return to_samples(values, self._sample_bits) if self._integer else values

    def _run(self, memory: "_Memory", values_address: int, count: int, outputs_address: int) -> None:
        """Run the library."""
        status = self._library_predict(self._model, memory.address, values_address, count, outputs_address)
        if status:
            raise EngineError(f"engine native: the library refused the windows (status {status}), a bug in edgehar")

    def _take(self) -> "_Memory":
        """Return memory that no other thread works in."""
        try:
            return self._idle.pop()
        except IndexError:
            architecture = self._bundle.manifest.architecture
            window = np.empty(
                (1, architecture.window, architecture.channels), np.int16 if self._integer else np.float32
            )
            outputs = np.empty((1, self._classes), self._output_type)
            return _Memory(aligned_bytes(self._library.har_native_memory(self._model)), window, outputs)

    def _parts(self, count: int) -> Iterator[slice]:
        """Yield one slice of windows a thread."""
        threads = max(1, min(self._threads, count // _LEAST_WINDOWS_A_THREAD))
        bounds = [round(count * index / threads) for index in range(threads + 1)]
        yield from (slice(start, end) for start, end in itertools.pairwise(bounds))


class _Memory:
    """What a call of the library works in, and room for one window and its outputs."""

    def __init__(self, work: NDArray[np.uint8], window: NDArray[Any], outputs: NDArray[Any]) -> None:
        self._work, self.address = work, work.ctypes.data
        self.window, self.window_address = window, window.ctypes.data
        self.outputs, self.outputs_address = outputs, outputs.ctypes.data


def aligned_bytes(count: int) -> NDArray[np.uint8]:
    """Return zeroed memory that begins with a cache line: vectors that straddle two take twice as long to load."""
    memory = np.zeros(count + _CACHE_LINE, np.uint8)
    offset = -memory.ctypes.data % _CACHE_LINE
    return memory[offset : offset + count]
