"""Seeded damage for a simulated line, and an account of it: what a reader must report as lost, exactly."""

import random
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Final

from edgehar.models.errors import UsageError

_REMEMBERED: Final = 4096
"""So many frames are remembered, to recognize one that comes again."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The probability of each fault of a transmission (a frame, or a line of text).

    Parameters
    ----------
    drop
        The device has no room for it and never sends it.
    lose
        It vanishes on the line, whole.
    cut
        One byte of it vanishes.
    flip
        One bit of it flips.
    stutter
        One byte of it comes twice.
    repeat
        It comes twice.
    swap
        It comes after the next one.
    """

    drop: float = 0.0
    lose: float = 0.0
    cut: float = 0.0
    flip: float = 0.0
    stutter: float = 0.0
    repeat: float = 0.0
    swap: float = 0.0

    def __bool__(self) -> bool:
        return any(asdict(self).values())


FAULT_HELP: Final = "NAME=PROBABILITY, of drop, lose, cut, flip, stutter, repeat, swap"
"""What a fault may be, for the help of a command."""


def parse_faults(texts: Iterable[str]) -> Faults:
    """Return the faults written as ``flip=0.01``.

    Raises
    ------
    UsageError
        When there is no such fault, or its probability is none.

    Examples
    --------
    >>> parse_faults(["flip=0.01", "lose=0.5"]).flip
    0.01
    """
    known = [field.name for field in fields(Faults)]
    chosen: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            probability = float(value)
        except ValueError:
            probability = -1.0
        if name not in known or not 0 <= probability <= 1:
            raise UsageError(
                f"expected a fault as NAME=PROBABILITY from 0 to 1, got {text!r}",
                next_step=f"NAME is one of {', '.join(known)}: --fault flip=0.01, for example.",
            )
        chosen[name] = probability
    return Faults(**chosen)


@dataclass(slots=True)
class Injected:
    """How often each fault was injected."""

    drop: int = 0
    lose: int = 0
    cut: int = 0
    flip: int = 0
    stutter: int = 0
    repeat: int = 0
    swap: int = 0


class FaultInjector:
    """Damage transmissions, the same way for the same seed.

    Examples
    --------
    >>> line = FaultInjector(Faults(lose=1.0), seed=1)
    >>> line.through(b"gone"), line.injected.lose
    (b'', 1)
    """

    def __init__(self, faults: Faults, *, seed: int) -> None:
        self._faults = faults
        self._random = random.Random(seed)
        self._held = b""
        self.injected = Injected()

    def drops(self) -> bool:
        """Decide whether the device drops the next transmission before it sends it."""
        dropped = self._faults.drop > 0 and self._random.random() < self._faults.drop
        self.injected.drop += dropped
        return dropped

    def through(self, data: bytes) -> bytes:
        """Return what comes out at the other end when a transmission is sent."""
        faults, injected, chance = self._faults, self.injected, self._random.random
        if faults.lose and chance() < faults.lose:
            injected.lose += 1
            return b""
        if faults.cut and chance() < faults.cut:
            injected.cut += 1
            at = self._random.randrange(len(data))
            data = data[:at] + data[at + 1 :]
        if faults.flip and data and chance() < faults.flip:
            injected.flip += 1
            at = self._random.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 1 << self._random.randrange(8)]) + data[at + 1 :]
        if faults.stutter and data and chance() < faults.stutter:
            injected.stutter += 1
            at = self._random.randrange(len(data))
            data = data[: at + 1] + data[at:]
        if faults.repeat and chance() < faults.repeat:
            injected.repeat += 1
            data += data
        if faults.swap and not self._held and chance() < faults.swap:
            injected.swap += 1
            self._held = data
            return b""
        data, self._held = data + self._held, b""
        return data

    def flush(self) -> bytes:
        """Return what still waits for a transmission to come after."""
        data, self._held = self._held, b""
        return data


@dataclass(slots=True)
class Truth:
    """What a reader of the line must report, in samples.

    ``used`` arrive whole and in time; ``lost`` do not, and later samples of the same boot show it; ``unknowable`` do
    not, and nothing shows how many they are: before the first frame, and at the end of a boot. ``dropped`` are those of
    the lost that the device dropped; ``late`` and ``repeated`` arrive behind later ones, and twice.
    """

    sent: int = 0
    used: int = 0
    lost: int = 0
    dropped: int = 0
    unknowable: int = 0
    late: int = 0
    repeated: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A frame of samples as it was sent; ``piece`` is None when the device dropped it."""

    piece: bytes | None
    boot_id: int
    count: int


class WireTruth:
    """Keep the account of a line: told every frame as it is sent, and every byte as it comes out.

    It knows nothing of checksums or sample numbers: a frame has arrived when its bytes stand between two terminators.
    """

    def __init__(self) -> None:
        self.truth = Truth()
        self._outstanding: deque[_Sent] = deque()
        self._pieces: dict[bytes, _Sent] = {}
        self._past: OrderedDict[bytes, tuple[int, bool]] = OrderedDict()
        self._tail = b""
        self._boot_id: int | None = None

    def sent(self, frame: bytes | None, *, boot_id: int, count: int) -> None:
        """Take note of a frame of samples, with its terminator, before the line has it; None for one dropped."""
        piece = None if frame is None else frame.strip(b"\0")
        entry = _Sent(piece, boot_id, count)
        self._outstanding.append(entry)
        if piece is not None:
            self._pieces[piece] = entry
        self.truth.sent += count

    def arrived(self, data: bytes) -> list[bytes]:
        """Take note of bytes that came out of the line; return the whole frames of samples among them, in order."""
        *pieces, self._tail = (self._tail + data).split(b"\0")
        found = []
        for piece in pieces:
            if piece in self._pieces:
                self._use(self._pieces[piece])
                found.append(piece)
            elif piece in self._past:
                count, missed = self._past[piece]
                self._past[piece] = count, False
                self.truth.late += count if missed else 0
                self.truth.repeated += 0 if missed else count
                found.append(piece)
        return found

    def cut(self) -> None:
        """Take note that the line was cut: what is in the making will not be completed."""
        self._tail = b""

    def finish(self) -> Truth:
        """Return the truth, when the reader has been told how far the device came."""
        while self._outstanding:
            self._miss(self._outstanding.popleft(), known=self._boot_id)
        return self.truth

    def _use(self, entry: _Sent) -> None:
        """Take note that a frame has arrived, and none sent before it ever will in time."""
        if self._boot_id not in (None, entry.boot_id):
            self.truth.restarts += 1
        while (first := self._outstanding.popleft()) is not entry:
            self._miss(first, known=None if self._boot_id is None else entry.boot_id)
        self._boot_id = entry.boot_id
        self.truth.used += entry.count
        self._remember(entry, missed=False)

    def _miss(self, entry: _Sent, *, known: int | None) -> None:
        """Take note that a frame was not used; it is known to be lost if later samples of its boot show it."""
        if entry.boot_id != known:
            self.truth.unknowable += entry.count
        else:
            self.truth.lost += entry.count
            self.truth.dropped += entry.count if entry.piece is None else 0
        self._remember(entry, missed=True)

    def _remember(self, entry: _Sent, *, missed: bool) -> None:
        """Keep a frame for a while, should it come again."""
        if entry.piece is None:
            return
        del self._pieces[entry.piece]
        self._past[entry.piece] = entry.count, missed
        if len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)
