"""The pipeline of a bundle's model, with the options of a session."""

from typing import Protocol

import numpy as np

from edgehar.firmware_bridge.live.pipeline import Classifier, LivePipeline
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.decoder import Decoder


class MakePipeline(Protocol):
    """Makes the pipeline of a model with the options of the session."""

    def __call__(self, engine: Classifier, manifest: Manifest, *, source_rate_hz: float) -> LivePipeline:
        """Return a pipeline."""
        ...


def pipeline_of_model(
    engine: Classifier,
    manifest: Manifest,
    *,
    source_rate_hz: float,
    hop: int | None = None,
    raw: bool = False,
    lag_s: float = 0.0,
    bridge_s: float = 0.0,
) -> LivePipeline:
    """Return the pipeline of a bundle's model; parameters as of `LiveLoop.for_model`.

    The engine is called once. Only a hidden Markov model waits for a lag; another decoder does not.
    """
    window = manifest.window
    pipeline = LivePipeline(
        engine,
        labels=manifest.labels,
        window_length=window.length,
        hop=window.hop if hop is None else hop,
        model_rate_hz=window.rate_hz,
        source_rate_hz=source_rate_hz,
        decoder=None
        if raw
        else Decoder.of_model(manifest, hop=hop, lag_s=lag_s if manifest.decoder.is_markov else 0.0),
        bridge_s=bridge_s,
        channels=len(window.channels),
    )
    engine.predict(np.zeros((1, window.length, len(window.channels)), np.float32))
    return pipeline
