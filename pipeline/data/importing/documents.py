"""Recordings in JSON: Edge Impulse's data acquisition format (CBOR too), the log of Movesense, rows; Label Studio.

Edge Impulse: ``payload`` with ``interval_ms``, ``sensors`` (name and unit of each channel) and ``values`` (a row each);
the label stands in ``info.labels`` beside it, or before the first dot of the file's name. Movesense: packets under
``Meas``, each with the samples of ``ArrayAcc`` and the time of the packet in ms.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.models.sensing.names import accelerometers
from edgehar.models.sensing.unit_names import unit_named
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.importing.annotations import label_studio
from edgehar.pipeline.data.importing.clock import look_at_steps, read_clock
from edgehar.pipeline.data.importing.evidence import decide_unit, measure, problems_of
from edgehar.pipeline.data.importing.gyroscope import wants_gyroscope
from edgehar.pipeline.data.importing.json_rows import csv_of
from edgehar.pipeline.data.importing.labels import from_name
from edgehar.pipeline.data.importing.options import UNKNOWN_SUBJECT, Options
from edgehar.pipeline.data.importing.refusals import UnrecognisedError, foreign, refusal, unrecognised
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.importing.spool import Spool
from edgehar.pipeline.data.importing.table import Imported
from edgehar.pipeline.data.recordings import LabelInterval, Recording

MAX_BYTES: Final = 256 * 2**20
_DEEPEST: Final = 8

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Content:
    """What a document holds."""

    values: Floats
    unit: str | None
    interval_s: float | None
    stamps_s: Floats | None
    format: str


def read_document(
    source: Source, options: Options, labels: Mapping[str, str], *, table: Callable[[Source], Imported]
) -> Imported:
    """Read a document into a recording.

    Parameters
    ----------
    source
        The file.
    options
        What is declared.
    labels
        Activities by the path of a document below the folder, from ``info.labels``.
    table
        Reads a table: some documents are one.

    Raises
    ------
    ForeignTableError
        When the document is no recording.
    UnrecognisedError
        When it is no document.
    DataError
        When it is damaged.
    """
    document = _parsed(source)
    folder, _, stem = source.stem.rpartition("/")
    if annotated := label_studio(document, name=source.name, folder=folder, stem=stem):
        return Imported(intervals=annotated)
    known = isinstance(document, dict) and any(key in document for key in ("payload", "Meas"))
    known = known or _begins_with_packets(document)
    if not known and (written := csv_of(document)) is not None:
        try:
            return table(replace(source, content=written))
        except UnrecognisedError as error:
            raise foreign(source.name, error.message, next_step=error.next_step) from error
    if wants_gyroscope(options.channels):
        raise refusal(
            source.name,
            f"expected a table to take the gyroscope from, got {source.suffix}",
            next_step="Export it as CSV, or leave the gyroscope out of --channels.",
        )
    content = _content(source, document)
    named = from_name(source.inner, options.file_pattern, name=PurePosixPath(source.inner).name, path=source.name)
    clock, seconds = None, None
    if content.stamps_s is not None:
        spool = Spool(np.float64)
        spool.append(content.stamps_s)
        if steps := look_at_steps(spool, 0, len(spool)):
            seconds = Spool(np.float64)
            clock = read_clock(spool, 0, len(spool), steps, seconds)
    rate_hz = options.rate_hz or (clock.rate_hz if clock else 1 / content.interval_s if content.interval_s else None)
    if rate_hz is None:
        raise refusal(source.name, "expected times or a rate, got neither", next_step="Import it with --rate HZ.")
    measured = measure([content.values], rate_hz)
    unit, note = decide_unit(source.name, [measured], declared=options.unit, written=content.unit)
    scale = parse_unit(unit)
    activity = options.activity_name or named.get("activity") or labels.get(source.inner, "")
    recording = Recording(
        recording_id=source.stem,
        subject=options.subject_name or named.get("subject") or UNKNOWN_SUBJECT,
        samples=scale.to_g(content.values),
        rate_hz=rate_hz,
        labels=(LabelInterval(0, len(content.values), activity),) if activity else (),
        placement=options.placement or named.get("placement", ""),
        source=PurePosixPath(source.inner).name,
        timestamps_s=None if seconds is None else seconds.read(0, len(seconds)),
        gaps=clock.gaps if clock else (),
        problems=tuple(problems_of(measured, per_g=scale.per_g, rate_hz=rate_hz, line=1)),
    )
    notes = [f"Read as {content.format}.", *([note] if note else [])]
    return Imported([recording], notes=notes, unit=unit)


def labels_of(source: Source) -> dict[str, str]:
    """Return the activities that an Edge Impulse ``info.labels`` names, by path below its folder.

    Raises
    ------
    DataError
        When it is damaged.
    """
    content = _parsed(source)
    folder = PurePosixPath(source.inner).parent
    found = {}
    for item in content.get("files", []) if isinstance(content, dict) else []:
        label = item.get("label", {}) if isinstance(item, dict) else {}
        name = label.get("label") if isinstance(label, dict) else label
        if isinstance(name, str) and isinstance(item.get("path"), str):
            found[(folder / item["path"]).as_posix()] = name
    return found


def _parsed(source: Source) -> Any:
    """Return the content of a JSON or CBOR file."""
    with source.open() as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise refusal(source.name, f"expected at most {MAX_BYTES} bytes in a document, got more")
    try:
        if source.suffix == ".cbor":
            return _cbor(data, source.name)
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise unrecognised(source.name, f"expected a whole JSON document, but {error}") from error


def _cbor(data: bytes, name: str) -> Any:
    """Return the content of a CBOR file."""
    try:
        import cbor2
    except ImportError as error:
        raise refusal(
            name,
            "expected the package cbor2 to read CBOR, found none",
            next_step="Install it: pip install 'cbor2>=5.6'.",
        ) from error
    try:
        return cbor2.loads(data)
    except Exception as error:  # cbor2 raises many kinds for damaged data
        raise ValueError(str(error)) from error


def _content(source: Source, document: Any) -> _Content:
    """Return what a document of a known format holds."""
    try:
        if isinstance(document, dict) and isinstance(document.get("payload"), dict):
            return _edge_impulse(document["payload"])
        if _begins_with_packets(document) or (isinstance(document, dict) and "Meas" in document):
            return _movesense(document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise refusal(source.name, f"expected a whole recording in JSON, but {error!r}") from error
    except DataError as error:
        raise foreign(source.name, error.message) from error
    raise foreign(source.name, "expected a recording of Edge Impulse or Movesense in JSON, got another document")


def _edge_impulse(payload: dict[str, Any]) -> _Content:
    """Return the accelerometer of a payload."""
    sensors = payload["sensors"]
    names = [str(sensor["name"]) for sensor in sensors]
    groups = accelerometers(names)
    if len(groups) != 1:
        count = f" of one accelerometer, got {len(groups)}: " if groups else ", got "
        raise DataError(f"expected channels accX, accY, accZ{count}{', '.join(names)}")
    axes = groups[0]
    values = np.array(payload["values"], dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(sensors) or not np.isfinite(values).all():
        raise ValueError(f"values of shape {values.shape} for {len(sensors)} channels")
    unit = unit_named(str(sensors[axes[0]].get("units", "")))
    interval_s = float(payload["interval_ms"]) / 1000
    if not 0 < interval_s < 10:
        raise ValueError(f"interval_ms of {interval_s * 1000:g}")
    return _Content(values[:, axes], unit, interval_s, None, "Edge Impulse data acquisition")


def _movesense(content: Any) -> _Content:
    """Return the accelerometer of packets: each sample bears the time of its packet's first."""
    stamps: list[float] = []
    values: list[tuple[float, float, float]] = []
    for packet in _packets(content):
        samples = packet["ArrayAcc"]
        stamps += [float(packet["Timestamp"]) / 1000] * len(samples)
        values += [(float(item["x"]), float(item["y"]), float(item["z"])) for item in samples]
    if not values:
        raise DataError("expected packets with ArrayAcc, got none")
    if not np.isfinite(values).all():
        raise ValueError("a sample is not a number")
    return _Content(np.array(values), "m/s2", None, np.array(stamps), "Movesense Showcase")


def _begins_with_packets(content: Any) -> bool:
    """Tell whether a packet with acceleration stands at the beginning of a document, however deep."""
    for _ in range(_DEEPEST):
        if isinstance(content, dict) and isinstance(content.get("ArrayAcc"), list):
            return True
        inner = list(content.values()) if isinstance(content, dict) else content if isinstance(content, list) else []
        content = next((item for item in inner if isinstance(item, dict | list) and item), None)
    return False


def _packets(content: Any) -> Iterator[dict[str, Any]]:
    """Yield the packets with acceleration, wherever they are nested; without recursion."""
    waiting = [content]
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, dict):
            if isinstance(item.get("ArrayAcc"), list):
                yield item
            else:
                waiting[:0] = list(item.values())
        elif isinstance(item, list):
            waiting[:0] = item
