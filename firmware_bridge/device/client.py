"""Ask a device to classify windows: WHO and INFER with their answers, over a line that may lose or damage frames."""

import time
import zlib
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.frames.device_description import require_version
from edgehar.firmware_bridge.frames.fields import (
    INFER_FIELDS,
    ErrorCode,
    Numbers,
    Type,
    infer_sample_bytes,
)
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser, encode_frame
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import Ack, DeviceError, FromDevice, FromHost, Hello, Infer, Result, Who
from edgehar.firmware_bridge.line.transport import Transport
from edgehar.models.errors import BridgeError

ATTEMPTS: Final = 5
"""How often the same chunk is sent before the device counts as gone."""
ANSWER_TIMEOUT_S: Final = 3.0
"""Longer than any device computes for one chunk."""
_ASK_EVERY_S: Final = 0.5
_GREETING_TIMEOUT_S: Final = 6.0
"""A board that restarts when its port is opened takes two seconds to begin."""
_NUMBERS_TYPES: Final[dict[Numbers, str]] = {Numbers.INTEGER: "<i2", Numbers.FLOAT: "<f4"}


class DeviceClient:
    """The host's side of INFER.

    Parameters
    ----------
    transport
        The line; it is the client's to close.
    answer_timeout_s
        How long an answer may take before the question counts as lost.
    clock
        Seconds that only run forward.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport, self._timeout_s, self._clock = transport, answer_timeout_s, clock
        self._parser = FrameParser()
        self._messages: deque[FromDevice] = deque()
        self._window_id = 0
        self._boot_id = 0
        self.asked_again = 0
        """Chunks sent again because no answer came: frames lost or damaged on the way there or back."""

    @property
    def name(self) -> str:
        """The line's name."""
        return self._transport.name

    def close(self) -> None:
        """Give the line back."""
        self._transport.close()

    def greet(self) -> Hello:
        """Ask who is there.

        Raises
        ------
        BridgeError
            If nobody answers, or in another version of the protocol.
        """
        end_s = self._clock() + _GREETING_TIMEOUT_S
        while self._clock() < end_s:
            self._send(Who(), after_silence=True)
            hello = self._await(lambda message: isinstance(message, Hello), self._clock() + _ASK_EVERY_S)
            if isinstance(hello, Hello):
                require_version(hello, where=f"{self.name}: ")
                self._messages.clear()
                return hello
        counts = self._parser.counts
        raise BridgeError(
            f"{self.name}: expected a device to say hello, got {counts.frames} frames, {counts.damaged_total} damaged "
            f"ones and {counts.bytes_read} bytes in {_GREETING_TIMEOUT_S:g} s",
            next_step="Check that the firmware of `har firmware` runs there, and the baud rate.",
            port=self.name,
            reason="silent",
        )

    def classify(self, samples: NDArray[Any], hello: Hello) -> Result:
        """Let the device classify one window.

        Parameters
        ----------
        samples : ndarray of shape (window, channels)
            int16 in the scale of its tables (1/2048 g), or float32 in g and degrees/s, as its engine wants them.
        hello
            What it has said of itself.

        Raises
        ------
        BridgeError
            If it refuses, or stops answering.
        """
        numbers = Numbers.FLOAT if samples.dtype == np.float32 else Numbers.INTEGER
        payload = np.ascontiguousarray(samples, _NUMBERS_TYPES[numbers]).tobytes()
        self._boot_id = hello.boot_id
        for _ in range(ATTEMPTS):
            # Number 0 is left to labels that a device finds itself.
            self._window_id = self._window_id % (2**16 - 1) + 1
            result = self._send_window(payload, numbers, samples.shape[1], hello)
            if result is not None and result.window_crc == zlib.crc32(payload) and result.numbers == numbers:
                return result
        raise BridgeError(
            f"{self.name}: expected the result of the window that was sent, got others {ATTEMPTS} times",
            next_step="Check the line: it damages or doubles frames.",
            port=self.name,
            reason="out_of_order",
        )

    def _send_window(self, payload: bytes, numbers: Numbers, channels: int, hello: Hello) -> Result | None:
        """Send a window chunk by chunk; return its result, or None if it has to be begun again."""
        sample_bytes = infer_sample_bytes(numbers, channels)
        chunk = max(1, (hello.longest_body - INFER_FIELDS.size) // sample_bytes)
        wanted, attempts = 0, 0
        while attempts < ATTEMPTS:
            part = payload[wanted * sample_bytes : (wanted + chunk) * sample_bytes]
            self._send(Infer(self._window_id, numbers, wanted, part, channels), after_silence=attempts > 0)
            answer = self._await(partial(self._answers, wanted), self._clock() + self._timeout_s)
            if isinstance(answer, Result):
                return answer
            if isinstance(answer, Hello):
                return None  # It has restarted, and forgotten what came before.
            if isinstance(answer, DeviceError):
                if answer.code == ErrorCode.OUT_OF_ORDER:
                    return None
                raise self._refusal(answer)
            if isinstance(answer, Ack):
                wanted, attempts = answer.next, 0
            else:
                self.asked_again += 1
                attempts += 1
        raise BridgeError(
            f"{self.name}: expected an answer to sample {wanted} of a window, got none to {ATTEMPTS} attempts "
            f"({self._parser.counts.damaged_total} damaged frames)",
            next_step="Check the line, and that the device still runs.",
            port=self.name,
            reason="silent",
        )

    def _answers(self, wanted: int, message: FromDevice) -> bool:
        """Whether a message is about the chunk that was just sent; answers to its doubles come late and are nothing."""
        if isinstance(message, Result):
            return message.window_id == self._window_id
        if isinstance(message, Ack):
            return message.answers == Type.INFER and message.window_id == self._window_id and message.next > wanted
        if isinstance(message, Hello):
            # One that is idle says HELLO again; only another boot has forgotten the window.
            return message.boot_id != self._boot_id
        return isinstance(message, DeviceError) and message.answers == Type.INFER

    def _refusal(self, error: DeviceError) -> BridgeError:
        """Return what a device's ERROR means here."""
        names = {int(code): code.name.lower().replace("_", " ") for code in ErrorCode}
        said = f" ({error.text})" if error.text else ""
        return BridgeError(
            f"{self.name}: the device refuses the window: {names.get(error.code, f'error {error.code}')}{said}",
            next_step="Build its firmware again with `har firmware`, from the bundle it shall run.",
            port=self.name,
            reason="refused",
            code=error.code,
        )

    def _send(self, message: FromHost, *, after_silence: bool = False) -> None:
        """Send a message."""
        self._transport.write(encode_frame(message.pack(), after_silence=after_silence))

    def _await(self, is_wanted: Callable[[FromDevice], bool], end_s: float) -> FromDevice | None:
        """Return the next message of a kind, dropping others; None when none came in time."""
        while True:
            while self._messages:
                message = self._messages.popleft()
                if is_wanted(message):
                    return message
            left_s = end_s - self._clock()
            if left_s <= 0:
                return None
            self._read(left_s)

    def _read(self, timeout_s: float) -> None:
        """Take what one read brings."""
        data = self._transport.read(timeout_s=timeout_s)
        for event in self._parser.feed(data, self._clock()):
            if isinstance(event, Frame):
                message = decode_message(event.body)
                if isinstance(message, FromDevice):
                    self._messages.append(message)
