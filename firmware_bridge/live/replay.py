"""Classify what was recorded, as a live session would have: a capture's labels beside those of its takes."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from edgehar.firmware_bridge.live.model_pipeline import pipeline_of_model
from edgehar.firmware_bridge.live.pipeline import Classifier, Prediction
from edgehar.firmware_bridge.live.sinks.json_lines import as_json
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.capture_file import Capture, CapturedBlock, takes_of
from edgehar.models.contract import MOTION_CHANNELS
from edgehar.models.errors import DataError

MOST_POINTS: Final = 40_000
"""Of the trace that a page is given; of a longer one every second, third ... sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """A capture, and what a model says of it.

    Parameters
    ----------
    capture
        What was recorded.
    predictions
        Of the model, in order.
    manifest
        Of the model.
    """

    capture: Capture
    predictions: tuple[Prediction, ...]
    manifest: Manifest

    def to_json(self) -> dict[str, Any]:
        """Return trace, labels and takes as JSON-ready data; times in s since the first sample."""
        classes = self.manifest.labels
        blocks = [block for block in self.capture.blocks if len(block.samples_g)]
        every = -(-sum(len(block.samples_g) for block in blocks) // MOST_POINTS)
        start_s = float(blocks[0].times_s[0])
        t: list[float] = []
        axes: dict[str, list[float | None]] = {name: [] for name in MOTION_CHANNELS[: self.capture.channels]}
        for block in blocks:
            if t and (block.lost or not block.continues):
                t.append(t[-1])
                for axis in axes.values():
                    axis.append(None)
            t += np.round(block.times_s[::every] - start_s, 3).tolist()
            for axis, values in zip(axes.values(), np.round(block.samples_g[::every], 3).T.tolist(), strict=True):
                axis += values
        end_s = float(blocks[-1].times_s[-1])
        takes = [
            {"activity": take["activity"], "from_s": take["start_s"] - start_s, "to_s": _stop(take, end_s) - start_s}
            for take in takes_of(self.capture.events).values()
        ]
        labels = [{**as_json(each, classes), "t_s": round(each.t_s - start_s, 4)} for each in self.predictions]
        window = self.manifest.window
        for label in labels:
            # How long it takes to classify a file says nothing of a sensor.
            del label["latency_ms"]
        return {
            "t": t,
            **axes,
            "drawn_every": every,
            "seconds": round(end_s - start_s, 3),
            "takes": takes,
            "labels": labels,
            "class_labels": list(classes),
            "window_s": window.length / window.rate_hz,
        }


def replay(
    capture: Capture, engine: Classifier, manifest: Manifest, *, pause: Callable[[], None] = lambda: None
) -> Replay:
    """Classify a capture.

    Parameters
    ----------
    capture
        What was recorded.
    engine, manifest
        The model.
    pause
        Called between blocks, so that something more urgent may run.

    Raises
    ------
    DataError
        When the capture holds no samples, or lacks channels that the model takes.
    """
    check_recognises_activities(manifest, for_what="dashboard", gyroscope=True)
    blocks = [block for block in capture.blocks if len(block.samples_g)]
    if not blocks:
        raise DataError("expected a capture with samples, this one holds none", next_step="Choose another capture.")
    wanted = manifest.window.channels
    if capture.channels < len(wanted):
        raise DataError(
            f"expected a capture of {', '.join(wanted)} for {manifest.model_id}, this one holds "
            f"{', '.join(MOTION_CHANNELS[: capture.channels])}",
            next_step="Choose another capture, or a model of acceleration alone.",
        )
    pipeline = pipeline_of_model(engine, manifest, source_rate_hz=_rate_hz(blocks) or capture.info.rate_hz)
    predictions: list[Prediction] = []
    for block in capture.blocks:
        predictions += pipeline.feed(
            SampleBlock(block.samples_g, block.times_s, block.arrived_unix_s, block.lost, block.continues)
        )
        pause()
    return Replay(capture, (*predictions, *pipeline.finish()), manifest)


def _rate_hz(blocks: list[CapturedBlock]) -> float | None:
    """Return the rate that the times of samples show, over those that follow each other; None where they show none."""
    spans = [float(block.times_s[-1] - block.times_s[0]) for block in blocks]
    steps = [len(block.times_s) - 1 for block in blocks]
    for before, after in pairwise(blocks):
        if after.continues and not after.lost:
            spans.append(float(after.times_s[0] - before.times_s[-1]))
            steps.append(1)
    return sum(steps) / sum(spans) if sum(spans) > 0 else None


def _stop(take: dict[str, Any], end_s: float) -> float:
    """Return where a take ends: at the last sample where the power was cut."""
    return float(take.get("stop_s", end_s))
