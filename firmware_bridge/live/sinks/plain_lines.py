"""Labels as plain lines, for a log or a pipe."""

from typing import Final, TextIO

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.foreign_text import printable

_LABEL_WIDTH: Final = 20


class PlainLinesSink:
    """Labels as plain lines, for a log or a pipe; remarks go to another stream.

    Parameters
    ----------
    labels_to
        Where labels go, or None to leave them out.
    remarks_to
        Where remarks go.
    """

    def __init__(self, *, labels_to: TextIO | None, remarks_to: TextIO) -> None:
        self._labels_to = labels_to
        self._remarks_to = remarks_to
        self._lost: dict[str, int] = {}

    def predicted(self, prediction: Prediction) -> None:
        """Write ``seconds  sensor  label  probability``, and the loss where there is new loss."""
        if self._labels_to is None:
            return
        new_loss = prediction.lost_samples - self._lost.get(prediction.sensor, 0)
        self._lost[prediction.sensor] = prediction.lost_samples
        sensor = f"{printable(prediction.sensor)}   " if prediction.sensor else ""
        loss = f"   {new_loss} lost before this window" if new_loss else ""
        label = f"{prediction.label:<{_LABEL_WIDTH}} {prediction.probability:4.0%}"
        line = f"{prediction.t_s:10.2f} s   {sensor}{label}{loss}\n"
        self._labels_to.write(line)
        self._labels_to.flush()

    def remarked(self, remark: Remark) -> None:
        """Write a remark."""
        self._remarks_to.write(f"{'warning: ' if remark.warning else ''}{remark.text}\n")
        self._remarks_to.flush()

    def progressed(self, status: LiveStatus) -> None:
        """A log needs no progress."""

    def model_changed(self, model_id: str, labels: tuple[str, ...]) -> None:
        """Say so."""
        self._remarks_to.write(f"from here on: {printable(model_id)}\n")
        self._remarks_to.flush()

    def close(self) -> None:
        """Nothing to close: the streams belong to the caller."""
