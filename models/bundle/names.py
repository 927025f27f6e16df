"""Names and limits of a bundle's files."""

import re
from typing import Final

MANIFEST: Final = "manifest.json"
WEIGHTS: Final = "weights.npz"
GOLDEN: Final = "golden.npz"
CARD: Final = "MODEL_CARD.md"
PLOTS: Final = "plots"

PLOT_ENDINGS: Final = (".png", ".json")
"""Pictures, and the numbers they are drawn from."""

MAXIMUM_MANIFEST_BYTES: Final = 2**20
MAXIMUM_FILE_BYTES: Final = 64 * 2**20
MAXIMUM_PLOTS: Final = 200
MAXIMUM_PLOT_BYTES: Final = 4 * 2**20

PLAIN_NAME: Final = re.compile(r"[\w-][\w.-]*", re.ASCII)
"""Names that mean one file of the bundle's folder on every system."""

FLOAT_TOLERANCE: Final = 1e-5
"""Largest difference of a probability that a float engine may show from the oracle."""
