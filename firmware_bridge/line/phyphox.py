"""The remote access of phyphox as a line: ``phyphox://HOST[:PORT]`` polls the app's HTTP interface.

The app is a server on the phone (phyphox.org/wiki, "Remote-interface communication")::

    /config                                what is measured: the buffers, and which sensor fills them
    /control?cmd=start                     begin to measure; {"result": true}
    /get?acc_time                          the newest value
    /get?acc_time=T&accX=T|acc_time&...    every buffer where acc_time is above T
                                           {"buffer": {"accX": {"buffer": [..]}, ..}, "status": {"measuring": ..}}

Each answer brings what is new since the last time that was received, so nothing is asked for twice and nothing is left
out. ``Acceleration (without g)`` fills buffers of the same names: what ``/config`` says of their sensor decides.
"""

import contextlib
import http.client
import json
import math
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from edgehar.firmware_bridge.line.phone_messages import MOST_ROWS, phyphox_lines
from edgehar.firmware_bridge.line.pushed import PushedBytes
from edgehar.firmware_bridge.line.transport import unplugged
from edgehar.models.errors import BridgeError

POLL_EVERY_S: Final = 0.1
_TIMEOUT_S: Final = 5.0
_LARGEST_ANSWER: Final = 1 << 24
_MOST_FAILURES: Final = 3
_LOOKS_ANEW: Final = 5
"""After so many answers with nothing new, the newest time of all is asked for."""
_BUFFERS: Final = ("accX", "accY", "accZ")
_TIME: Final = "acc_time"
_USUAL_PORTS: Final = (8080, 80)
"""Of Android, and of iPhones."""


class PhyphoxTransport:
    """Ask a phone for new samples ten times a second.

    Parameters
    ----------
    host, port
        Where the app listens.
    name
        What the line is called in messages.

    Raises
    ------
    BridgeError
        When nobody answers there, or the experiment on the phone does not measure acceleration with gravity.
    """

    def __init__(self, host: str, port: int | None, *, name: str) -> None:
        self.name = name
        self._host, self._port = host, port or _USUAL_PORTS[0]
        self._after_s = -math.inf
        self._empty = 0
        self._stop = threading.Event()
        self._pushed = PushedBytes()
        if port is None and not self._answers():
            self._port = _USUAL_PORTS[1]
        self._require_acceleration()
        self._start()
        self._thread = threading.Thread(target=self._run, name=f"poll {name}", daemon=True)
        self._thread.start()

    def read(self, *, timeout_s: float) -> bytes:
        """Return the lines that have arrived, waiting for the first one."""
        return self._pushed.take(timeout_s=timeout_s)

    def write(self, data: bytes) -> None:
        """Write nothing: the phone has no use for it."""

    def close(self) -> None:
        """Ask no more; the measurement on the phone goes on."""
        self._stop.set()
        self._thread.join()

    def _answers(self) -> bool:
        """Tell whether something listens on the port."""
        with contextlib.suppress(OSError), socket.create_connection((self._host, self._port), _TIMEOUT_S):
            return True
        return False

    def _require_acceleration(self) -> None:
        """Refuse an experiment without acceleration with gravity."""
        try:
            config = self._ask("/config")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BridgeError(
                f"{self.name}: expected phyphox with remote access at {self._host}, port {self._port}, got "
                f"{getattr(error, 'strerror', None) or error}",
                next_step="Open 'Acceleration with g' in phyphox, choose 'Allow remote access' in its menu, and pass "
                "the address that it shows: phyphox://HOST:PORT.",
                port=self.name,
                reason="refused",
            ) from error
        sources = {
            str(source.get("source"))
            for source in _list(config.get("inputs"))
            if isinstance(source, dict) and "accX" in json.dumps(source.get("outputs", []))
        }
        buffers = {str(each.get("name")) for each in _list(config.get("buffers")) if isinstance(each, dict)}
        without = bool(sources) and "accelerometer" not in sources
        if without or (buffers and not {*_BUFFERS, _TIME} <= buffers):
            title = str(config.get("title", "another experiment"))[:60]
            got = f"{title!r}, whose acceleration is without gravity" if without else f"{title!r}"
            raise BridgeError(
                f"{self.name}: expected an experiment with the acceleration with gravity, got {got}",
                next_step="Open 'Acceleration with g' in phyphox.",
                port=self.name,
                reason="not_a_port",
            )

    def _start(self) -> None:
        """Let the phone measure; a phone that refuses is asked all the same, for a person may press start."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            self._ask("/control?cmd=start")

    def _run(self) -> None:
        """Ask until told to stop, or the phone does not answer any more."""
        failures = 0
        while not self._stop.is_set():
            asked_s = time.monotonic()
            try:
                answer = self._ask(_query(self._after_s))
                failures = 0
                self._take(answer)
            except (OSError, http.client.HTTPException, ValueError):
                failures += 1
                if failures == _MOST_FAILURES:
                    self._pushed.end(unplugged(self.name))
                    return
            self._stop.wait(max(0.0, asked_s + POLL_EVERY_S - time.monotonic()))

    def _take(self, answer: dict[str, Any]) -> None:
        """Hand on what is new."""
        buffers = answer.get("buffer")
        if not isinstance(buffers, dict):
            raise ValueError("an answer without buffers")
        columns = [_list(_content(buffers, each)) for each in (_TIME, *_BUFFERS)]
        whole = min(map(len, columns))
        # A buffer may be read while a sample is written: what has no x, y and z yet comes with the next answer.
        rows = [
            row for row in zip(*(column[:whole] for column in columns), strict=True) if _is_after(row, self._after_s)
        ]
        for start in range(0, len(rows), MOST_ROWS):
            self._pushed.push(phyphox_lines(rows[start : start + MOST_ROWS]))
        if rows:
            self._after_s, self._empty = float(rows[-1][0]), 0
            return
        self._empty += 1
        if self._empty % _LOOKS_ANEW == 0:
            newest = _list(_content(_dict(self._ask(f"/get?{_TIME}").get("buffer")), _TIME))
            if newest and isinstance(newest[-1], int | float) and newest[-1] < self._after_s:
                # The measurement was cleared on the phone and has begun anew.
                self._after_s = -math.inf

    def _ask(self, path: str) -> dict[str, Any]:
        """Return the JSON object behind a path; each question has a connection of its own, as the app wants it."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read(_LARGEST_ANSWER + 1)
        except (socket.gaierror, TimeoutError) as error:
            raise OSError(str(error) or "no answer in time") from error
        finally:
            connection.close()
        if response.status != 200 or len(body) > _LARGEST_ANSWER:
            raise ValueError(f"status {response.status} and {len(body):,} bytes for {path.partition('?')[0]}")
        try:
            answer = json.loads(body)
        except RecursionError as error:
            raise ValueError("JSON that is nested too deeply") from error
        if not isinstance(answer, dict):
            raise ValueError("JSON that is no object")
        return answer


def _query(after_s: float) -> str:
    """Return the path that asks for everything after a time; the whole buffers at first."""
    if after_s == -math.inf:
        return f"/get?{'&'.join(f'{name}=full' for name in (_TIME, *_BUFFERS))}"
    since = quote(repr(after_s))
    return f"/get?{_TIME}={since}&{'&'.join(f'{name}={since}%7C{_TIME}' for name in _BUFFERS)}"


def _is_after(row: Sequence[Any], after_s: float) -> bool:
    """Tell whether a row is new; a time that is no number never is."""
    return isinstance(row[0], int | float) and row[0] > after_s


def _content(buffers: dict[str, Any], name: str) -> Any:
    """Return what a buffer holds."""
    entry = buffers.get(name)
    return entry.get("buffer") if isinstance(entry, dict) else None


def _dict(value: Any) -> dict[str, Any]:
    """Return an object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else []
