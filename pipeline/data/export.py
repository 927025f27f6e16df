"""Write a data set in the format of Edge Impulse's data acquisition, so that recordings can go there and come back.

One file for every labelled stretch without a gap, in a folder with ``info.labels``, as the Edge Impulse uploader takes
it. JSON and CBOR: ``payload`` holds the interval in ms, the channels accX, accY, accZ in m/s2 (and gyrX, gyrY, gyrZ in
dps), and the values; the file is not signed (``alg`` is ``none``). CSV: ``timestamp`` in ms, then the channels.
The formats: docs.edgeimpulse.com, data acquisition format, and uploader.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.contract import STANDARD_GRAVITY_M_S2
from edgehar.models.errors import DataError, UsageError
from edgehar.models.files import atomic_folder
from edgehar.pipeline.data.recordings import Dataset, Recording

FORMATS: Final = ("edge-impulse",)
JSON: Final = "json"
CBOR: Final = "cbor"
CSV: Final = "csv"
ENCODINGS: Final = (JSON, CBOR, CSV)
_DIGITS: Final = 6
_SENSORS: Final = (*((f"acc{axis}", "m/s2") for axis in "XYZ"), *((f"gyr{axis}", "dps") for axis in "XYZ"))
"""Names and units of the channels, in the order of a recording's."""


def export_edge_impulse(dataset: Dataset, folder: Path, *, encoding: str = JSON) -> int:
    """Write every labelled stretch of a data set as a file of its own.

    Parameters
    ----------
    dataset
        At any rate; times are taken as even.
    folder
        A new or empty folder.
    encoding
        One of ``ENCODINGS``; CBOR needs the package cbor2.

    Returns
    -------
    int
        Files written.

    Raises
    ------
    UsageError
        When something else is in the folder, or there is no such encoding.
    DataError
        When nothing is labelled, or cbor2 is not installed.
    """
    encode = _encoder(encoding)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder}: expected a new or empty folder, found something there", next_step="Choose another --out."
        )
    entries: list[dict[str, Any]] = []
    with atomic_folder(folder) as place:
        for item in dataset.recordings:
            for start, stop, activity in stretches_of(item):
                name = f"{_safe(activity)}.{_safe(item.recording_id)}-{start}.{encoding}"
                (place / name).write_bytes(encode(item, start, stop))
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
    return {
        "protected": {"ver": "v1", "alg": "none"},
        "signature": "0" * 64,
        "payload": {
            "device_name": item.subject,
            "device_type": "EDGEHAR",
            "interval_ms": 1000 / item.rate_hz,
            "sensors": [{"name": name, "units": units} for name, units in _SENSORS[: len(item.channels)]],
            "values": _values(item, start, stop).tolist(),
        },
    }


def _values(item: Recording, start: int, stop: int) -> npt.NDArray[np.float64]:
    """Return samples in the units of the format."""
    values = item.samples[start:stop].astype(float)
    values[:, :3] *= STANDARD_GRAVITY_M_S2
    return values.round(_DIGITS)


def _encoder(encoding: str) -> Callable[[Recording, int, int], bytes]:
    """Return what turns a stretch into the content of a file."""
    if encoding == JSON:
        return lambda item, start, stop: json.dumps(_document(item, start, stop)).encode() + b"\n"
    if encoding == CSV:
        return _table
    if encoding != CBOR:
        raise UsageError(
            f"encoding {encoding!r} is not one of {', '.join(ENCODINGS)}", next_step="Choose one of these."
        )
    try:
        import cbor2
    except ImportError as error:
        raise DataError(
            "expected the package cbor2 to write CBOR, found none", next_step="Install it: pip install 'cbor2>=5.6'."
        ) from error
    return lambda item, start, stop: bytes(cbor2.dumps(_document(item, start, stop)))


def _table(item: Recording, start: int, stop: int) -> bytes:
    """Return a stretch as CSV with even times in ms."""
    names = ",".join(name for name, _ in _SENSORS[: len(item.channels)])
    lines = [f"timestamp,{names}"]
    for at, row in enumerate(_values(item, start, stop).tolist()):
        lines.append(f"{round(at * 1000 / item.rate_hz, _DIGITS):.12g},{','.join(f'{value:.6f}' for value in row)}")
    return ("\n".join(lines) + "\n").encode()


def _safe(text: str) -> str:
    """Return a text as a part of the name of a file; the label before the first dot stays readable."""
    return re.sub(r"[^\w-]+", "-", text).strip("-")[:80] or "unnamed"
