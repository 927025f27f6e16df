"""Write, read and check a bundle: one folder (or a zip of it) that holds a model and everything needed to trust it.

::

    manifest.json       what the model is, and the size and hash of every other file
    weights.npz         trained weights in Keras layout, for normalised input
    model.*.tflite ...  compiled artifacts; they take raw g
    golden.npz          artificial raw windows, the oracle's outputs, and the outputs expected of every artifact
    MODEL_CARD.md       the manifest, for people
    plots/              pictures of training and evaluation, where there are any; no hash covers them

A bundle is a stranger's input. Its manifest is checked on reading (`manifest_json`, `consistency`, `text`), its files
are bounded (`names`, `ziplimits`, `npz`), and no link in it is followed (`container`).
"""

from edgehar.models.bundle.bundle import Bundle, CompiledArtifact
from edgehar.models.bundle.making import make_bundle
from edgehar.models.bundle.names import (
    CARD,
    FLOAT_TOLERANCE,
    GOLDEN,
    MANIFEST,
    MAXIMUM_FILE_BYTES,
    MAXIMUM_MANIFEST_BYTES,
    PLOTS,
    WEIGHTS,
)
from edgehar.models.bundle.reading import read_bundle
from edgehar.models.bundle.updating import update_bundle
from edgehar.models.bundle.writing import check_destination, check_not_released

__all__ = [
    "CARD",
    "FLOAT_TOLERANCE",
    "GOLDEN",
    "MANIFEST",
    "MAXIMUM_FILE_BYTES",
    "MAXIMUM_MANIFEST_BYTES",
    "PLOTS",
    "WEIGHTS",
    "Bundle",
    "CompiledArtifact",
    "check_destination",
    "check_not_released",
    "make_bundle",
    "read_bundle",
    "update_bundle",
]
