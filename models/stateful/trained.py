"""Whether a model was trained to carry its state from window to window, as its bundle says."""

from typing import Final

from edgehar.models.bundle.manifest import Manifest

CARRIES_STATE: Final = "carries_state"
"""Key of a bundle's configuration, or of what it says about an imported model; older versions read over it."""


def was_trained_to_carry(manifest: Manifest) -> bool:
    """Whether a model was trained on sequences, or imported as one that carries its state and trained no further."""
    configuration = manifest.provenance.configuration
    imported = configuration.get("imported")
    if CARRIES_STATE not in configuration and isinstance(imported, dict):
        return imported.get(CARRIES_STATE) is True
    return configuration.get(CARRIES_STATE) is True
