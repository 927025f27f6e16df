"""Make a bundle of a trained model: its weights, golden windows, and a manifest that vouches for both."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.bundle.bundle import Bundle, file_entry
from edgehar.models.bundle.consistency import check_manifest
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.bundle.manifest import (
    SCHEMA_MAJOR,
    SCHEMA_MINOR,
    DecoderSpec,
    Manifest,
    Provenance,
    WindowSpec,
)
from edgehar.models.bundle.names import GOLDEN, WEIGHTS
from edgehar.models.bundle.npz import write_npz
from edgehar.models.bundle.tasks import MULTICLASS
from edgehar.models.errors import BundleError
from edgehar.models.normalization import Normalization, fold_normalization
from edgehar.models.reference import forward


def make_bundle(
    *,
    architecture: Architecture,
    labels: Sequence[str],
    window: WindowSpec,
    normalization: Normalization,
    weights: Mapping[str, NDArray[np.float32]],
    decoder: DecoderSpec,
    provenance: Provenance,
    task: str = MULTICLASS,
) -> Bundle:
    """Return a bundle of a trained model, as yet without artifacts and metrics.

    Raises
    ------
    BundleError
        If a weight is not finite, or labels, window and decoder do not fit the architecture.
    """
    broken = [name for name, value in weights.items() if not np.all(np.isfinite(value))]
    if broken:
        raise BundleError(
            f"weights: expected finite numbers, got NaN or infinity in {', '.join(broken)}",
            next_step="Training diverged: train again with a lower learning rate.",
        )
    ordered = {name: np.asarray(weights[name], np.float32) for name in architecture.weight_shapes()}
    weight_bytes = write_npz(ordered)
    windows = golden_inputs(architecture)
    oracle = forward(architecture, fold_normalization(architecture, ordered, normalization), windows)
    golden_bytes = write_npz({"windows": windows, "oracle": oracle.astype(np.float32)})
    manifest = Manifest(
        schema=f"{SCHEMA_MAJOR}.{SCHEMA_MINOR}",
        model_id=f"{architecture.name}-{hashlib.sha256(weight_bytes).hexdigest()[:12]}",
        architecture=architecture,
        labels=tuple(labels),
        window=window,
        normalization=normalization,
        weights=file_entry(WEIGHTS, weight_bytes),
        golden=file_entry(GOLDEN, golden_bytes),
        artifacts=(),
        decoder=decoder,
        metrics=(),
        provenance=provenance,
        task=task,
    )
    check_manifest(manifest)
    return Bundle(manifest, {WEIGHTS: weight_bytes, GOLDEN: golden_bytes})
