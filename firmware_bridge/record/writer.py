"""Write a capture so that pulling the power loses at most a second: append, and reach the disk twice a second."""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.models.capture_file import (
    MOST_LINE_BYTES,
    CapturedBlock,
    CaptureInfo,
    encode_block,
    encode_event,
    encode_found_unit,
    encode_info,
    encode_lines,
    encode_turning_unit,
)
from edgehar.models.errors import BridgeError, UsageError

FLUSH_EVERY_S: Final = 0.5
"""Samples that have not reached the disk are at most this old, plus the time of one write."""


class CaptureWriter:
    """Append samples and events to a new capture file.

    Parameters
    ----------
    path
        A file that is not there yet: a capture is never written over.
    info
        Who wore which sensor where.
    clock
        Seconds that only run forward.
    unix_clock
        Seconds since 1970; each block is stamped with the time it arrived.

    Raises
    ------
    UsageError
        When something stands at ``path``, or nothing can be written there.
    """

    def __init__(
        self,
        path: Path,
        info: CaptureInfo,
        *,
        clock: Callable[[], float] = time.monotonic,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._clock = clock
        self._unix_clock = unix_clock
        self._file: int | None = _create(path)
        self._buffer = bytearray(encode_info(info))
        self._bytes = 0
        self._samples = 0
        self._samples_safe = 0
        self._written_s = clock()
        self._lines = bytearray()
        self._lines_left = MOST_LINE_BYTES
        self.flush()

    @property
    def bytes_written(self) -> int:
        """Bytes that have reached the disk."""
        return self._bytes

    @property
    def samples_safe(self) -> int:
        """Samples that have reached the disk."""
        return self._samples_safe

    def add(self, block: SampleBlock) -> None:
        """Keep a block; it reaches the disk with the next flush.

        Raises
        ------
        BridgeError
            When the disk is full; what had reached it stays readable.
        """
        late_s = max(0.0, self._clock() - block.arrived_s)
        captured = CapturedBlock(
            block.samples_g, block.times_s, self._unix_clock() - late_s, block.lost, block.continues
        )
        self._buffer += encode_block(captured)
        self._samples += len(block.samples_g)
        self.flush_if_due()

    def keep_lines(self, data: bytes) -> None:
        """Keep bytes of a sensor of text as they came, so that its columns can be read again; up to a limit."""
        if len(data) <= self._lines_left:
            self._lines += data
            self._lines_left -= len(data)
        else:
            self._lines_left = 0

    def found_unit(self, unit: str) -> None:
        """Keep the unit that was found out."""
        self._buffer += encode_found_unit(unit)

    def turning_unit(self, unit: str) -> None:
        """Keep the unit in which a sensor of text gives its turning rate."""
        self._buffer += encode_turning_unit(unit)

    def event(self, event: dict[str, Any]) -> None:
        """Keep what the wearer did; it reaches the disk at once."""
        self._buffer += encode_event(event)
        self.flush()

    def flush_if_due(self) -> None:
        """Reach the disk if that was long ago; to be called even while nothing arrives."""
        if self._clock() - self._written_s >= FLUSH_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Reach the disk."""
        self._written_s = self._clock()
        self._buffer += encode_lines(bytes(self._lines), self._unix_clock())
        self._lines.clear()
        if self._file is None or not self._buffer:
            return
        try:
            while self._buffer:
                written = os.write(self._file, self._buffer)
                self._bytes += written
                del self._buffer[:written]
            os.fsync(self._file)
        except OSError as error:
            self._give_up()
            raise self._cannot_go_on(error) from error
        self._samples_safe = self._samples

    def close(self) -> None:
        """Write what is left and close; closing twice is fine."""
        if self._file is None:
            return
        self.flush()
        self._give_up()

    def _give_up(self) -> None:
        """Close the file as it is."""
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def _cannot_go_on(self, error: OSError) -> BridgeError:
        """Return the error of a disk that takes no more."""
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return BridgeError(
            f"{self.path}: {'the disk is full' if full else f'cannot write any more ({error.strerror})'}; "
            f"the {self._samples_safe:,} samples before that are kept and can be imported",
            next_step="Make room, then record the rest into a new file.",
            path=str(self.path),
            samples=self._samples_safe,
        )


def _create(path: Path) -> int:
    """Return a new file, open for appending."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
    except FileExistsError as error:
        raise UsageError(
            f"{path}: expected a new file, something is there; a capture is never written over",
            next_step="Choose another --out.",
            path=str(path),
        ) from error
    except OSError as error:
        raise UsageError(
            f"{path}: expected a place to write a capture to, got {error.strerror}",
            next_step="Choose another --out.",
            path=str(path),
        ) from error
