"""A device on a line as an engine: it classifies windows, and says how long that took there."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.device.client import DeviceClient
from edgehar.firmware_bridge.frames.fields import PROBABILITY_ONE, Ability, DurationUnit, Numbers
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.line.transport import Transport
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines import check_windows
from edgehar.models.engines.native_tables import artifact_tables
from edgehar.models.errors import EngineError
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.portable.tables import FLOAT32, INT8

_NO_MODEL: Final = bytes(8)


@dataclass(frozen=True, slots=True)
class DeviceDuration:
    """What a device counted while it computed one window."""

    count: int
    unit: DurationUnit


class DeviceEngine:
    """Classifies on a device; see `edgehar.models.engines.Engine`.

    Parameters
    ----------
    bundle
        The model the device was built from; another one is refused.
    line
        The device's URL, or a line to it that is open.

    Raises
    ------
    BridgeError
        If the line cannot be opened, or nobody answers.
    EngineError
        If the device has no engine, or runs another model.
    """

    name = "device"

    def __init__(self, bundle: Bundle, line: str | Transport) -> None:
        self._bundle = bundle
        self._client = DeviceClient(open_transport(line) if isinstance(line, str) else line)
        try:
            self.hello = self._client.greet()
            entry = _entry_of(bundle, self.hello, self._client.name)
        except BaseException:
            self._client.close()
            raise
        self.artifact, self.quantization = entry.file, entry.quantization
        self._sample_bits = artifact_tables(bundle, entry).sample_bits
        self.runtime = f"{self.hello.model or 'a device'} on {self._client.name}"
        self.durations: list[DeviceDuration] = []
        """Of every window since the start, in order."""

    @property
    def frames_lost(self) -> int:
        """Frames that were lost or damaged, there or back, as far as a question had to be asked again."""
        return self._client.asked_again

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n_windows, n_classes) probabilities of windows (n_windows, window_length, channels) in g."""
        values: NDArray[Any] = check_windows(windows, self._bundle)
        if Ability.FLOATS not in self.hello.abilities:
            values = to_samples(values, self._sample_bits)
        outputs = np.empty((len(values), self._bundle.manifest.architecture.classes), np.float32)
        for index, window in enumerate(values):
            result = self._client.classify(window, self.hello)
            scale = 1.0 if result.numbers == Numbers.FLOAT else 1.0 / PROBABILITY_ONE
            outputs[index] = np.array(result.probabilities) * scale
            self.durations.append(DeviceDuration(result.duration, DurationUnit(result.duration_unit)))
        return outputs

    def close(self) -> None:
        """Give the line back."""
        self._client.close()


def _entry_of(bundle: Bundle, hello: Hello, where: str) -> ArtifactEntry:
    """Return the artifact the device runs, which must be the bundle's."""
    if Ability.INFERS not in hello.abilities or hello.model_hash == _NO_MODEL:
        raise EngineError(
            f"{where}: expected a device that classifies, got {hello.sensor or 'one'} without a model",
            next_step="Build its firmware with `har firmware`.",
        )
    quantization = FLOAT32 if Ability.FLOATS in hello.abilities else INT8
    entry = bundle.manifest.artifact(format="c", quantization=quantization)
    running, wanted = hello.model_hash.hex(), "none" if entry is None else entry.sha256[: 2 * len(hello.model_hash)]
    if entry is None or running != wanted:
        raise EngineError(
            f"{where}: expected the {quantization} model of {bundle.manifest.model_id}, hash {wanted}, "
            f"the device runs {hello.model or 'another one'}, hash {running}",
            next_step="Build its firmware from this bundle with `har firmware`, or name the bundle it was built from.",
            expected=wanted,
            received=running,
        )
    return entry
