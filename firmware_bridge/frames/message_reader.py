"""Frame bodies -> messages. Whatever the bytes are, nothing is raised: what does not fit is returned as such."""

import struct
from collections.abc import Callable
from typing import Final

from edgehar.firmware_bridge.frames.fields import (
    ACCELERATION,
    ACK_FIELDS,
    AXES,
    CHANNELS_MAJOR,
    ERROR_FIELDS,
    HELLO_FIELDS,
    HELLO_TURNING_FIELDS,
    INFER_FIELDS,
    KNOWN_MAJORS,
    LABEL_FIELDS,
    LOAD_FIELDS,
    LOG_FIELDS,
    MAX_CHANNELS,
    MAX_LOAD_BYTES,
    MAX_NAME_BYTES,
    NO_LABEL,
    PROBABILITY_ONE,
    PROTOCOL_MINOR,
    RESULT_FIELDS,
    SAMPLES_FIELDS,
    START_FIELDS,
    STATS_FIELDS,
    WHO_FIELDS,
    Ability,
    Channel,
    Numbers,
    Type,
    infer_sample_bytes,
    most_samples,
)
from edgehar.firmware_bridge.frames.framing import MAX_BODY_BYTES
from edgehar.firmware_bridge.frames.messages import (
    Ack,
    Ask,
    DeviceError,
    FoundLabel,
    Hello,
    Infer,
    Load,
    Log,
    Malformed,
    Message,
    Result,
    Samples,
    Start,
    Stats,
    Stop,
    Unknown,
    Who,
)
from edgehar.models.foreign_text import printable


def decode_message(body: bytes, *, channels: int = AXES) -> Message | Unknown | Malformed:
    """Return what a frame's body says. Whatever the bytes are, nothing is raised.

    Parameters
    ----------
    body
        Of a frame.
    channels
        How many numbers a sample has, which the HELLO of its boot says.

    Examples
    --------
    >>> decode_message(bytes.fromhex("81 01 00"))
    Who(major=1, minor=0)
    >>> decode_message(bytes.fromhex("81"))
    Malformed(type=129, reason='expected 3 bytes, got 1')
    """
    if body[:1] == b"\x02":
        return _unpack_samples(body, channels)
    if body[:1] == b"\x90":
        return _unpack_infer(body, channels)
    unpack = _UNPACK.get(body[0]) if body else None
    if unpack is None:
        return Unknown(body[0]) if body else Malformed(0, "expected a type, got nothing")
    try:
        return unpack(body)
    except struct.error:
        return Malformed(body[0], f"too short: {len(body)} bytes")
    except _FormError as error:
        return Malformed(body[0], str(error))


class _FormError(Exception):
    """A body does not have the form of its type."""


def _unpack_samples(body: bytes, channels: int) -> Samples | Malformed:
    """Return SAMPLES; this one is on the path of every sample, so it is decoded directly."""
    size, each = len(body) - SAMPLES_FIELDS.size, 2 * channels
    if size < each or size % each or len(body) > MAX_BODY_BYTES:
        reason = f"expected 13 bytes and {each} for each of 1 to {most_samples(channels)} samples, got {len(body)}"
        return Malformed(Type.SAMPLES, reason)
    _, boot_id, sequence, micros, dropped = SAMPLES_FIELDS.unpack_from(body)
    return Samples(boot_id, sequence, micros, dropped, body[SAMPLES_FIELDS.size :], channels)


def _unpack_hello(body: bytes) -> Hello:
    """Return HELLO; what a later minor version adds at its end is ignored, and so is all but the version of another."""
    if len(body) < 3:
        raise _FormError(f"expected 3 bytes at least, got {len(body)}")
    if body[1] not in KNOWN_MAJORS:
        return Hello(0, Ability.NONE, 0, 0.0, 0, 0.0, major=body[1], minor=body[2])
    _, major, minor, boot_id, flags, rate, scale, unit, range_unit, *rest = HELLO_FIELDS.unpack_from(body)
    x, y, z, dropped, model_hash, window, classes, longest_body, credit = rest
    names, at = [], HELLO_FIELDS.size
    for _ in range(3):
        name, at = _unpack_name(body, at)
        names.append(name)
    channels: tuple[Channel, ...] = ACCELERATION
    counts_per_deg_s = range_deg_s = 0.0
    if major == CHANNELS_MAJOR:
        channels, at = _unpack_channels(body, at)
        counts_per_deg_s, range_deg_s = HELLO_TURNING_FIELDS.unpack_from(body, at)
        at += HELLO_TURNING_FIELDS.size
    if minor == PROTOCOL_MINOR and at != len(body):
        raise _FormError(f"expected {at} bytes, got {len(body)}")
    return Hello(
        boot_id,
        Ability(flags & (2 * Ability.FLOATS - 1)),
        rate,
        scale,
        unit,
        range_unit,
        (x, y, z),
        dropped,
        model_hash,
        window,
        classes,
        longest_body,
        credit,
        sensor=names[0],
        placement=names[1],
        model=names[2],
        major=major,
        minor=minor,
        channels=channels,
        counts_per_deg_s=counts_per_deg_s,
        range_deg_s=range_deg_s,
    )


def _unpack_channels(body: bytes, at: int) -> tuple[tuple[Channel, ...], int]:
    """Return what the numbers of a sample are, and where the next field begins."""
    count = body[at] if at < len(body) else 0
    if not 1 <= count <= MAX_CHANNELS:
        raise _FormError(f"expected 1 to {MAX_CHANNELS} channels, got {count}")
    codes = body[at + 1 : at + 1 + count]
    if len(codes) < count or len(set(codes)) < count or not set(codes) <= set(Channel):
        raise _FormError(f"expected {count} different channels from 1 to {max(Channel)}, got {list(codes)}")
    return tuple(map(Channel, codes)), at + 1 + count


def _unpack_result(body: bytes) -> Result | FoundLabel:
    """Return RESULT: of a window that was sent, or the device's own label, which has no classes."""
    _, window_id, numbers, window_crc, duration, unit, classes = RESULT_FIELDS.unpack_from(body)
    if window_id == 0 and classes == 0 and len(body) > RESULT_FIELDS.size:
        _exact(body, RESULT_FIELDS.size + LABEL_FIELDS.size)
        label, probability = LABEL_FIELDS.unpack_from(body, RESULT_FIELDS.size)
        if numbers != Numbers.INTEGER or duration or probability > PROBABILITY_ONE:
            raise _FormError(f"expected a label with a probability from 0 to {PROBABILITY_ONE}, got {probability}")
        return FoundLabel(window_crc, None if label == NO_LABEL else label, probability, unit)
    width = {Numbers.INTEGER: 2, Numbers.FLOAT: 4}.get(numbers)
    if width is None:
        raise _FormError(f"expected numbers 0 or 1, got {numbers}")
    _exact(body, RESULT_FIELDS.size + classes * width)
    values = struct.unpack_from(f"<{classes}{'H' if width == 2 else 'f'}", body, RESULT_FIELDS.size)
    return Result(window_id, window_crc, duration, unit, values, numbers)


def _unpack_infer(body: bytes, channels: int) -> Infer | Malformed:
    """Return INFER."""
    if len(body) < INFER_FIELDS.size:
        return Malformed(Type.INFER, f"too short: {len(body)} bytes")
    _, window_id, numbers, first = INFER_FIELDS.unpack_from(body)
    if numbers not in (Numbers.INTEGER, Numbers.FLOAT):
        return Malformed(Type.INFER, f"expected numbers 0 or 1, got {numbers}")
    size, each = len(body) - INFER_FIELDS.size, infer_sample_bytes(numbers, channels)
    if size == 0 or size % each:
        return Malformed(Type.INFER, f"expected whole samples of {each} bytes, got {size} bytes")
    return Infer(window_id, numbers, first, body[INFER_FIELDS.size :], channels)


def _unpack_load(body: bytes) -> Load:
    """Return LOAD."""
    _, total, offset = LOAD_FIELDS.unpack_from(body)
    size = len(body) - LOAD_FIELDS.size
    if not 1 <= size <= MAX_LOAD_BYTES or offset + size > total:
        raise _FormError(f"{size} bytes at {offset} do not fit in a model of {total} bytes")
    return Load(total, offset, body[LOAD_FIELDS.size :])


def _unpack_log(body: bytes) -> Log:
    """Return LOG."""
    _, level = LOG_FIELDS.unpack_from(body)
    return Log(level, _text(body[LOG_FIELDS.size :]))


def _unpack_error(body: bytes) -> DeviceError:
    """Return ERROR."""
    _, code, answers = ERROR_FIELDS.unpack_from(body)
    return DeviceError(code, answers, _text(body[ERROR_FIELDS.size :]))


def _unpack_stats(body: bytes) -> Stats:
    """Return STATS; what a later minor version adds at its end is ignored."""
    return Stats(*STATS_FIELDS.unpack_from(body)[1:])


def _unpack_ack(body: bytes) -> Ack:
    """Return ACK."""
    return Ack(*ACK_FIELDS.unpack(_exact(body, ACK_FIELDS.size))[1:])


def _unpack_who(body: bytes) -> Who:
    """Return WHO; of another major version too."""
    return Who(*WHO_FIELDS.unpack(_exact(body, WHO_FIELDS.size))[1:])


def _unpack_start(body: bytes) -> Start:
    """Return START."""
    return Start(*START_FIELDS.unpack(_exact(body, START_FIELDS.size))[1:])


def _unpack_stop(body: bytes) -> Stop:
    """Return STOP."""
    _exact(body, 1)
    return Stop()


def _unpack_ask(body: bytes) -> Ask:
    """Return ASK."""
    _exact(body, 1)
    return Ask()


_UNPACK: Final[dict[int, Callable[[bytes], Message]]] = {
    Type.HELLO: _unpack_hello,
    Type.STATS: _unpack_stats,
    Type.LOG: _unpack_log,
    Type.ERROR: _unpack_error,
    Type.ACK: _unpack_ack,
    Type.RESULT: _unpack_result,
    Type.WHO: _unpack_who,
    Type.START: _unpack_start,
    Type.STOP: _unpack_stop,
    Type.ASK: _unpack_ask,
    Type.LOAD: _unpack_load,
}


def _exact(body: bytes, size: int) -> bytes:
    """Return the body if it has this size."""
    if len(body) != size:
        raise _FormError(f"expected {size} bytes, got {len(body)}")
    return body


def _unpack_name(body: bytes, at: int) -> tuple[str, int]:
    """Return a name and where the next one begins."""
    length = body[at] if at < len(body) else -1
    if not 0 <= length <= MAX_NAME_BYTES or at + 1 + length > len(body):
        raise _FormError("a name does not fit in its frame")
    return _text(body[at + 1 : at + 1 + length]), at + 1 + length


def _text(data: bytes) -> str:
    """Return text as a person may see it: no control characters, whatever the bytes are."""
    return printable(data.decode(errors="replace"))
