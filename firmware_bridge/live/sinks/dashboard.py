"""A live session as messages for pages that watch: the trace, labels, how the stream stands, remarks.

Every message is a JSON-ready dictionary with ``kind`` and a growing number ``n``; a page that joins late is given a
`DashboardSink.snapshot` and leaves out what is not newer.

==========  =====================================================================================================
kind        holds
==========  =====================================================================================================
``stream``  ``t``, ``x``, ``y``, ``z``: samples in s and g, null where the stream broke; ``labels`` as in JSON lines;
            with a gyroscope ``gx``, ``gy``, ``gz`` in degrees/s
``status``  how the session stands, as in the summary; ``port``, ``latency_counts`` and ``quality_counts``
``remark``  ``text``, ``warning``
``model``   ``model_id``, ``labels`` of another model
==========  =====================================================================================================

Nothing here waits for a page: a message is handed to a function that must return at once.
"""

import math
import threading
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Final

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.live.sinks.json_lines import as_json
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock
from edgehar.models.contract import CHANNELS, MOTION_CHANNELS

LATENCY_EDGES_MS: Final = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Bins of the histogram: below the first, between two, above the last."""
TRACE_S: Final = 12.0
MOST_POINTS_HZ: Final = 125.0
"""A picture of twelve seconds shows no more; of a faster sensor every second, third ... sample is drawn."""
_FLUSH_EVERY_S: Final = 0.1
_LABELS_KEPT: Final = 600
_REMARKS_KEPT: Final = 30
_DECIMALS: Final = (3, 3, 3, 1, 1, 1)
"""Of acceleration in g, and of a turning rate in degrees/s."""

Publish = Callable[[dict[str, Any]], None]
Point = tuple[float, tuple[float | None, ...]]
"""A time in s, and a number for each channel; none where the stream broke."""


class DashboardSink:
    """A sink that publishes, and what watches the samples beside it.

    Parameters
    ----------
    publish
        Takes a message, and returns at once.
    labels
        Names of the classes, in order.
    model_id
        Which model runs.
    port
        Where the sensor is.
    clock
        Seconds that only run forward.
    """

    def __init__(
        self,
        publish: Publish,
        *,
        labels: tuple[str, ...],
        model_id: str,
        port: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publish, self._labels, self._model_id, self._port, self._clock = publish, labels, model_id, port, clock
        self._lock = threading.Lock()
        self._number = 0
        self._points: deque[Point] = deque()
        self._new_points: list[Point] = []
        self._past: deque[dict[str, Any]] = deque(maxlen=_LABELS_KEPT)
        self._new_labels: list[dict[str, Any]] = []
        self._remarks: deque[dict[str, Any]] = deque(maxlen=_REMARKS_KEPT)
        self._latencies = [0] * (len(LATENCY_EDGES_MS) + 1)
        self._qualities: Counter[str] = Counter()
        self._status: dict[str, Any] | None = None
        self._flushed_s = -math.inf
        self._passed_over = 0
        self._every = 1

    def sampled(self, block: SampleBlock) -> None:
        """Take samples, to draw them."""
        times_s = block.times_s
        with self._lock:
            if len(times_s) > 1 and times_s[-1] > times_s[0]:
                rate_hz = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
                self._every = max(1, math.ceil(rate_hz / MOST_POINTS_HZ))
            if (block.lost or not block.continues) and self._points:
                self._add((self._points[-1][0], (None,) * block.samples_g.shape[1]))
            start = -self._passed_over % self._every
            self._passed_over += len(times_s)
            for t_s, sample in zip(
                times_s[start :: self._every].tolist(), block.samples_g[start :: self._every].tolist(), strict=True
            ):
                self._add((round(t_s, 4), tuple(map(round, sample, _DECIMALS))))
            while self._points and self._points[-1][0] - self._points[0][0] > TRACE_S:
                self._points.popleft()

    def predicted(self, prediction: Prediction) -> None:
        """Publish a label with the samples before it, or with the next ones where labels come fast."""
        label = as_json(prediction, self._labels)
        with self._lock:
            self._past.append(label)
            self._new_labels.append(label)
            self._latencies[bisect_right(LATENCY_EDGES_MS, 1e3 * prediction.latency_s)] += 1
            self._qualities[prediction.quality] += 1
            if self._clock() - self._flushed_s >= _FLUSH_EVERY_S:
                self._flush()

    def remarked(self, remark: Remark) -> None:
        """Publish a remark."""
        with self._lock:
            self._remarks.append({"text": remark.text, "warning": remark.warning})
            self._send("remark", text=remark.text, warning=remark.warning)

    def progressed(self, status: LiveStatus) -> None:
        """Publish what has come, and how the session stands."""
        with self._lock:
            self._flush()
            self._status = {
                **status.to_json(),
                "filled": round(status.filled, 3),
                "refilling": status.refilling,
                "silent": status.silent,
                "port": self._port,
                "drawn_every": self._every,
                "latency_counts": list(self._latencies),
                "quality_counts": dict(self._qualities),
            }
            del self._status["warnings"]
            self._send("status", **self._status)

    def model_changed(self, model_id: str, labels: tuple[str, ...]) -> None:
        """Publish that another model runs; latencies are counted anew."""
        with self._lock:
            self._flush()
            self._labels, self._model_id = labels, model_id
            self._latencies = [0] * len(self._latencies)
            self._send("model", model_id=model_id, labels=list(labels))

    def close(self) -> None:
        """Nothing to close: pages belong to their server."""

    def snapshot(self) -> dict[str, Any]:
        """Return everything a page needs that was not there until now."""
        with self._lock:
            # What the next message would hold is in the snapshot, too.
            self._flush()
            return {
                "n": self._number,
                "port": self._port,
                "model_id": self._model_id,
                "labels": list(self._labels),
                "latency_edges_ms": list(LATENCY_EDGES_MS),
                "trace_s": TRACE_S,
                "stream": _columns(list(self._points), list(self._past)),
                "remarks": list(self._remarks),
                "status": self._status,
            }

    def _add(self, point: Point) -> None:
        """Keep a point of the trace, for those who come later and for those who are here."""
        self._points.append(point)
        self._new_points.append(point)

    def _flush(self) -> None:
        """Publish samples and labels that were not yet."""
        self._flushed_s = self._clock()
        if self._new_points or self._new_labels:
            self._send("stream", **_columns(self._new_points, self._new_labels))
            self._new_points, self._new_labels = [], []

    def _send(self, kind: str, **fields: Any) -> None:
        """Publish a message under the next number."""
        self._number += 1
        self._publish({"kind": kind, "n": self._number, **fields})


def _columns(points: list[Point], labels: list[dict[str, Any]]) -> dict[str, Any]:
    """Return points by column, with labels; those of a gyroscope only where there are some."""
    width = max((len(values) for _, values in points), default=len(CHANNELS))
    columns = zip_longest(*(values for _, values in points)) if points else [()] * width
    axes = {name: list(values) for name, values in zip(MOTION_CHANNELS[:width], columns, strict=True)}
    return {"t": [t_s for t_s, _ in points], **axes, "labels": labels}
