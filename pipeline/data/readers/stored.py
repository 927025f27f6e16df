"""Read a store as if it were any other format."""

from pathlib import Path

from edgehar.pipeline.data.readers import Progress
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.store import is_store, load_store


def recognises(path: Path) -> bool:
    """Tell whether the path is a store."""
    return is_store(path)


def read(path: Path, *, progress: Progress | None = None) -> Dataset:
    """Open the store; there is nothing to wait for."""
    return load_store(path)
