"""Keep takes of a running session in captures, from a thread of its own: a slow or full disk delays no label.

What runs meanwhile hands samples to `TakeRecorder.sampled`, which only puts them into a queue of bounded size. All
else happens in the recorder's thread: what is asked, in the order it was asked; the script of a guided recording; and
every write. A capture begins with the first take of a wearer and holds takes alone. Between two takes it has a gap.
"""

import contextlib
import datetime
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from edgehar.firmware_bridge.record.script import Phase, ScriptRunner, Step
from edgehar.firmware_bridge.record.take_state import RecordedTake, RecorderState
from edgehar.firmware_bridge.record.writer import CaptureWriter
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.models.capture_file import SUFFIX, CaptureInfo
from edgehar.models.errors import HarError
from edgehar.models.foreign_text import printable

SCREEN_S: Final = 10.0
"""How much of what was on the screen can be labelled afterwards."""
READY_S: Final = 5.0
_MOST_WAITING_SAMPLES: Final = 60_000
"""Ten minutes at 100 Hz."""
_TICK_S: Final = 0.1
_SHOWN_EVERY_S: Final = 0.25


class TakeRecorder:
    """Record takes of a session.

    Parameters
    ----------
    folder
        Where captures go; made with the first one.
    source
        Where the samples come from, as captures say it.
    stream
        Returns the unit in which the sensor sends, as far as it is known, and its rate.
    turning_unit
        The unit in which a sensor of text sends its turning rate; empty where it sends none, or says it itself.
    changed
        Told, in the recorder's thread, how recording stands, whenever that has changed.
    clock
        Seconds that only run forward.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: str,
        stream: Callable[[], tuple[str, float]],
        turning_unit: str = "",
        changed: Callable[[RecorderState], None] = lambda state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._source, self._stream, self._changed, self._clock = folder, source, stream, changed, clock
        self._turning_unit = turning_unit
        self._wake = threading.Condition()
        self._inbox: deque[SampleBlock | Callable[[], None]] = deque()
        self._waiting_samples = 0
        self._thrown_away = 0
        self._closing = False
        self._screen: deque[SampleBlock] = deque()
        self._writer: CaptureWriter | None = None
        self._script: ScriptRunner | None = None
        self._take = 0
        self._began_s: float | None = None
        self._newest_s: float | None = None
        self._written_until_s = -math.inf
        self._broken = True
        self._state = self._shown = RecorderState()
        self._shown_s = -math.inf
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._thread.start()

    @property
    def state(self) -> RecorderState:
        """How recording stands."""
        return self._state

    def sampled(self, block: SampleBlock) -> None:
        """Take samples; returns at once."""
        with self._wake:
            if self._waiting_samples > _MOST_WAITING_SAMPLES:
                self._thrown_away += len(block.samples_g)
                return
            self._mark_loss()
            self._waiting_samples += len(block.samples_g)
            self._inbox.append(block)
            # What is not being recorded need not wake the thread for every read.
            if self._state.activity or len(self._inbox) > 50:
                self._wake.notify()

    def begin(self, activity: str, *, subject: str) -> None:
        """Begin a take, which lasts until `end`."""
        self._ask(lambda: self._begin(activity, subject))

    def end(self) -> None:
        """End the take that runs and keep it; end a script."""
        self._ask(self._end)

    def keep_screen(self, activity: str, *, subject: str, seconds: float = SCREEN_S) -> None:
        """Keep what has come in the last seconds as a take."""
        self._ask(lambda: self._keep_screen(activity, subject, seconds))

    def guide(self, steps: Sequence[Step], *, subject: str) -> None:
        """Lead the wearer through a script: get ready, then a take, for every step."""
        self._ask(lambda: self._guide(steps, subject))

    def discard(self, number: int) -> None:
        """Throw a take away."""
        self._ask(lambda: self._discard(number))

    def rename(self, number: int, activity: str) -> None:
        """Give a take another label."""
        self._ask(lambda: self._rename(number, activity))

    def close(self) -> None:
        """End the take that runs, reach the disk, and end the thread; closing twice is fine."""
        self._ask(self._end)
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _ask(self, action: Callable[[], None]) -> None:
        """Let the thread do something after what was asked before."""
        with self._wake:
            self._inbox.append(action)
            self._wake.notify()

    def _mark_loss(self) -> None:
        """Let what was thrown away be counted, and be a hole, just where it is missing."""
        if self._thrown_away:
            self._inbox.append(partial(self._lose, self._thrown_away))
            self._thrown_away = 0

    def _lose(self, samples: int) -> None:
        """Count samples that are missing here."""
        self._broken = True
        self._state = replace(self._state, lost=self._state.lost + samples)

    def _run(self) -> None:
        """Work until told to end."""
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._inbox or self._closing, _TICK_S if self._is_busy else None)
                self._mark_loss()
                work, self._waiting_samples = list(self._inbox), 0
                self._inbox.clear()
                closing = self._closing
            for each in work:
                self._attempt(partial(self._take_block, each) if isinstance(each, SampleBlock) else each)
            self._attempt(self._follow_script)
            if self._writer is not None:
                self._attempt(self._writer.flush_if_due)
            self._show()
            if closing:
                self._close_capture()
                return

    @property
    def _is_busy(self) -> bool:
        """Whether time matters: a take runs, or a script."""
        return bool(self._state.activity or self._script)

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do something; what goes wrong is said, ends the recording, and nothing else."""
        try:
            action()
        except HarError as error:
            self._close_capture()
            self._script, self._began_s = None, None
            self._state = replace(
                self._state, activity="", seconds=0.0, guide="", problem=printable(str(error)), step=0, steps=0
            )

    def _take_block(self, block: SampleBlock) -> None:
        """Keep a block on the screen, and in the capture while a take runs."""
        self._screen.append(block)
        if len(block.times_s):
            self._newest_s = float(block.times_s[-1])
            while self._newest_s - _start_of(self._screen[0]) > SCREEN_S and len(self._screen) > 1:
                self._screen.popleft()
        if self._began_s is not None:
            self._write(block)

    def _write(self, block: SampleBlock) -> None:
        """Add a block to the capture; it does not continue what is in there if something was left out between."""
        if self._writer is None:
            return
        self._writer.add(replace(block, continues=False) if self._broken else block)
        self._broken = self._broken and not len(block.samples_g)
        if len(block.times_s):
            self._written_until_s = float(block.times_s[-1])

    def _begin(self, activity: str, subject: str) -> None:
        """Begin a take with the next sample."""
        self._end()
        if self._newest_s is None:
            self._state = replace(self._state, problem="Nothing can be recorded before the sensor sends.")
            return
        self._open_capture(subject)
        self._begin_take(activity)

    def _begin_take(self, activity: str) -> None:
        """Write the beginning of a take, at the newest sample."""
        if self._writer is None or self._newest_s is None:
            return
        self._take += 1
        self._began_s = self._newest_s
        self._broken = True
        self._writer.event(
            {"event": "begin", "take": self._take, "activity": activity, "t_s": round(self._newest_s, 6)}
        )
        self._state = replace(self._state, activity=activity, seconds=0.0, problem="")

    def _end(self) -> None:
        """End what runs, and keep it."""
        self._script = None
        self._end_take()
        self._state = replace(self._state, guide="", step=0, steps=0)

    def _end_take(self) -> None:
        """Write the end of a take; one without samples is thrown away."""
        began_s, activity = self._began_s, self._state.activity
        self._began_s = None
        self._state = replace(self._state, activity="", seconds=0.0)
        if began_s is None or self._writer is None:
            return
        end_s = max(began_s, self._written_until_s)
        if end_s <= began_s:
            self._writer.event({"event": "discard", "take": self._take})
            return
        # The last sample belongs to the take: it ends just behind it.
        self._writer.event({"event": "end", "take": self._take, "t_s": round(end_s + 1e-6, 6)})
        self._kept(activity, end_s - began_s)

    def _kept(self, activity: str, seconds: float) -> None:
        """Add a take to those that are kept."""
        capture = "" if self._writer is None else self._writer.path.name
        take = RecordedTake(self._take, activity, seconds, self._state.subject, capture)
        self._state = replace(self._state, takes=(*self._state.takes, take), problem="")

    def _keep_screen(self, activity: str, subject: str, seconds: float) -> None:
        """Write what is on the screen as a take."""
        if self._began_s is not None or self._script is not None:
            self._state = replace(self._state, problem="A take runs already: end it first.")
            return
        newest_s = self._newest_s
        blocks = [] if newest_s is None else _since(self._screen, max(newest_s - seconds, self._written_until_s))
        if newest_s is None or sum(len(block.samples_g) for block in blocks) < 2:
            self._state = replace(self._state, problem="There is nothing new on the screen to keep.")
            return
        self._open_capture(subject)
        if self._writer is None:
            return
        self._take += 1
        self._broken = True
        began_s = _start_of(blocks[0])
        self._writer.event({"event": "begin", "take": self._take, "activity": activity, "t_s": round(began_s, 6)})
        for block in blocks:
            self._write(block)
        self._writer.event({"event": "end", "take": self._take, "t_s": round(newest_s + 1e-6, 6)})
        self._kept(activity, newest_s - began_s)

    def _guide(self, steps: Sequence[Step], subject: str) -> None:
        """Begin a script."""
        self._end()
        self._open_capture(subject)
        self._script = ScriptRunner(steps, ready_s=READY_S)
        self._state = replace(self._state, guide="ready", steps=len(steps), step=1, problem="")

    def _follow_script(self) -> None:
        """Move on with the script, and say how long a take is."""
        script = self._script
        if script is None:
            if self._began_s is not None and self._newest_s is not None:
                self._state = replace(self._state, seconds=self._newest_s - self._began_s)
            return
        for event in script.tick(host_s=self._clock(), sensor_s=self._newest_s):
            if event["event"] == "begin":
                self._begin_take(event["activity"])
            elif event["event"] == "end":
                self._end_take()
        if script.step is None:
            self._end()
            return
        guide = "take" if script.phase is Phase.TAKE else "ready"
        self._state = replace(
            self._state, guide=guide, activity=script.step.activity, seconds=script.left_s, step=script.number
        )

    def _discard(self, number: int) -> None:
        """Throw a take away, in the capture as well while it is open."""
        take = next((each for each in self._state.takes if each.number == number), None)
        if take is None:
            return
        if self._writer is not None and self._writer.path.name == take.capture:
            self._writer.event({"event": "discard", "take": number})
            self._state = replace(self._state, takes=tuple(each for each in self._state.takes if each is not take))
        else:
            self._state = replace(self._state, problem=f"{take.capture} is complete: its takes stay.")

    def _rename(self, number: int, activity: str) -> None:
        """Give a take of the open capture another label."""
        for take in self._state.takes:
            if take.number == number and self._writer is not None and self._writer.path.name == take.capture:
                self._writer.event({"event": "relabel", "take": number, "activity": activity})
                takes = (replace(each, activity=activity) if each is take else each for each in self._state.takes)
                self._state = replace(self._state, takes=tuple(takes))

    def _open_capture(self, subject: str) -> None:
        """Begin a capture, unless there is one of this wearer."""
        if self._writer is not None and self._state.subject == subject:
            return
        self._close_capture()
        unit, rate_hz = self._stream()
        now = datetime.datetime.now(datetime.UTC)
        safe = "".join(letter if letter.isalnum() else "-" for letter in subject)[:40]
        path = _free(self._folder / f"{safe}-{now:%Y%m%dT%H%M%S}{SUFFIX}")
        info = CaptureInfo(subject, "", unit, rate_hz, now.isoformat(timespec="seconds"), self._source)
        self._writer = CaptureWriter(path, info)
        if self._turning_unit:
            self._writer.turning_unit(self._turning_unit)
        self._written_until_s = -math.inf
        self._state = replace(self._state, subject=subject)

    def _close_capture(self) -> None:
        """Close the capture; what a full disk did not take was said already."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(HarError):
                writer.close()

    def _show(self) -> None:
        """Tell how it stands, not more often than a person can read unless something else than time has changed."""
        state = self._state
        if state == self._shown:
            return
        only_time = replace(state, seconds=0.0) == replace(self._shown, seconds=0.0)
        if only_time and self._clock() - self._shown_s < _SHOWN_EVERY_S:
            return
        self._shown, self._shown_s = state, self._clock()
        self._changed(state)


def _start_of(block: SampleBlock) -> float:
    """Return when a block's first sample was taken."""
    return float(block.times_s[0]) if len(block.times_s) else -math.inf


def _since(blocks: Sequence[SampleBlock] | deque[SampleBlock], after_s: float) -> list[SampleBlock]:
    """Return blocks with the samples that were taken after a moment."""
    found: list[SampleBlock] = []
    for block in blocks:
        later = block.times_s > after_s
        if later.all():
            found += [block] if len(later) or found else []
        elif later.any():
            found.append(replace(block, samples_g=block.samples_g[later], times_s=block.times_s[later], lost=0))
    return found


def _free(path: Path) -> Path:
    """Return a path that nothing stands at: two captures may begin in one second."""
    others = (path.with_stem(f"{path.stem}-{number}") for number in range(2, 1000))
    return next((each for each in (path, *others) if not each.exists()), path)
