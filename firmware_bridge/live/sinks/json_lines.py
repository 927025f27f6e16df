"""Labels as JSON lines, for programs."""

import json
from typing import Any, TextIO

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.errors import BridgeError


class JsonLinesSink:
    """One JSON object a line for every label, written at once.

    Keys: see `as_json`.

    Parameters
    ----------
    stream
        Where to write; it stays the caller's to close.
    name
        What it is called in messages.
    labels
        Names of the classes, in order.
    """

    def __init__(self, stream: TextIO, *, name: str, labels: tuple[str, ...]) -> None:
        self._stream = stream
        self._name = name
        self._labels = labels

    def predicted(self, prediction: Prediction) -> None:
        """Write one line.

        Raises
        ------
        BridgeError
            When the file cannot be written any more.
        """
        line = json.dumps(as_json(prediction, self._labels), ensure_ascii=False)
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise BridgeError(
                f"{self._name}: could not write a label ({error.strerror or error}); every line before it is whole",
                next_step="Make room, then start again with another --jsonl file.",
                path=self._name,
            ) from error

    def remarked(self, remark: Remark) -> None:
        """Remarks are for people."""

    def progressed(self, status: LiveStatus) -> None:
        """Progress is for people."""

    def model_changed(self, model_id: str, labels: tuple[str, ...]) -> None:
        """Name the classes of another model from now on."""
        self._labels = labels

    def close(self) -> None:
        """Nothing to close: every line was flushed, and the stream belongs to the caller."""


def as_json(prediction: Prediction, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return a label as JSON-ready data.

    ``t_s``, ``label`` and ``probability`` as decoded, ``lost_samples`` since the beginning, ``latency_ms``;
    ``raw_label`` and ``probabilities`` of this window alone; ``bridged_samples`` of it that were interpolated;
    ``quality``: ``ok``, or what is wrong: ``bridged``, ``unit_doubtful``, ``rate_doubtful``, joined by commas.
    ``sensor`` stands first where there are several.
    """
    return {
        **({"sensor": prediction.sensor} if prediction.sensor else {}),
        "t_s": round(prediction.t_s, 6),
        "label": prediction.label,
        "probability": round(prediction.probability, 6),
        "lost_samples": prediction.lost_samples,
        "latency_ms": round(prediction.latency_s * 1e3, 3),
        "raw_label": prediction.raw_label or prediction.label,
        "bridged_samples": prediction.bridged_samples,
        "quality": prediction.quality,
        "probabilities": {name: round(value, 6) for name, value in zip(labels, prediction.probabilities, strict=True)},
    }
