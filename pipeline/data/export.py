"""Write a data set in the format of Edge Impulse's data acquisition, so that recordings can go there and come back.

One JSON file for every labelled stretch without a gap, in a folder with ``info.labels``, as the Edge Impulse uploader
takes it: ``payload`` holds the interval in ms, the channels accX, accY, accZ in m/s2, and the values. The file is not
signed (``alg`` is ``none``). The format: docs.edgeimpulse.com, data acquisition format.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from edgehar.models.contract import STANDARD_GRAVITY_M_S2
from edgehar.models.errors import DataError, UsageError
from edgehar.models.files import atomic_folder
from edgehar.pipeline.data.recordings import Dataset, Recording

FORMATS: Final = ("edge-impulse",)
_DIGITS: Final = 6


def export_edge_impulse(dataset: Dataset, folder: Path) -> int:
    """Write every labelled stretch of a data set as a file of its own.

    Parameters
    ----------
    dataset
        At any rate; times are taken as even.
    folder
        A new or empty folder.

    Returns
    -------
    int
        Files written.

    Raises
    ------
    UsageError
        When something else is in the folder.
    DataError
        When nothing is labelled.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder}: expected a new or empty folder, found something there", next_step="Choose another --out."
        )
    entries: list[dict[str, Any]] = []
    with atomic_folder(folder) as place:
        for item in dataset.recordings:
            for start, stop, activity in stretches_of(item):
                name = f"{_safe(activity)}.{_safe(item.recording_id)}-{start}.json"
                (place / name).write_text(json.dumps(_document(item, start, stop)) + "\n", encoding="utf-8")
                label = {"type": "label", "label": activity}
                entries.append(
                    {"path": name, "category": "split", "label": label, "metadata": {"subject": item.subject}}
                )
        if not entries:
            raise DataError(f"{dataset.name}: expected labelled recordings, got none", next_step="Label them first.")
        index = json.dumps({"version": 1, "files": entries}, ensure_ascii=False) + "\n"
        (place / "info.labels").write_text(index, encoding="utf-8")
    return len(entries)


def stretches_of(item: Recording) -> Iterator[tuple[int, int, str]]:
    """Yield (start, stop, activity) of stretches of one label without a gap."""
    for label in item.labels:
        inside = [gap for gap in item.gaps if label.start < gap < label.stop]
        for start, stop in pairwise([label.start, *inside, label.stop]):
            yield start, stop, label.activity


def _document(item: Recording, start: int, stop: int) -> dict[str, Any]:
    """Return a stretch as a document."""
    values = (item.samples[start:stop].astype(float) * STANDARD_GRAVITY_M_S2).round(_DIGITS)
    return {
        "protected": {"ver": "v1", "alg": "none"},
        "signature": "0" * 64,
        "payload": {
            "device_name": item.subject,
            "device_type": "EDGEHAR",
            "interval_ms": 1000 / item.rate_hz,
            "sensors": [{"name": f"acc{axis}", "units": "m/s2"} for axis in "XYZ"],
            "values": values.tolist(),
        },
    }


def _safe(text: str) -> str:
    """Return a text as a part of the name of a file; the label before the first dot stays readable."""
    return re.sub(r"[^\w-]+", "-", text).strip("-")[:80] or "unnamed"
