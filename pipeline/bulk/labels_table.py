"""Labels as Parquet: a row per window, and in the footer the record of the file they come from.

==============  ====================================================================================================
recording       id of the recording
subject         whose it is
start_s         when the window begins, in s since the recording began
time            the same on the recording's own clock; null where its times are no dates
label           what the bundle's decoder says; the one to use
raw_label       the most probable class of this window alone
probability     how probable the decoder holds its label
coverage        share of the window's samples that were measured; the others were filled in
quality         `ok`, or what is wrong, joined by commas: bridged, unit_doubtful, not_worn
worn            whether the sensor was worn
==============  ====================================================================================================
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from edgehar.models.bundle.manifest import Manifest
from edgehar.pipeline.bulk.days import Days, days_of
from edgehar.pipeline.bulk.decoding import Decoded, decode_stretch, dwelled, names
from edgehar.pipeline.bulk.posteriors import Part
from edgehar.pipeline.bulk.wear import inside, not_worn

FOOTER: Final = b"edgehar"
_GROUP_ROWS: Final = 2**17
_REPEATED: Final = ("recording", "subject", "label", "raw_label", "coverage", "quality")
"""Columns of few values; a dictionary of the others would be as long as they are."""
_FLAWS: Final = ("bridged", "unit_doubtful", "not_worn")
_QUALITIES: Final = tuple(
    ",".join(name for name, there in zip(_FLAWS, flags, strict=True) if there) or "ok"
    for flags in product((False, True), repeat=len(_FLAWS))
)


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a recording besides its samples."""

    recording_id: str
    subject: str
    began_s: float | None
    rate_hz: float
    unit: str = "g"
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels of a file: Parquet, whole, and the record that stands in its footer."""

    content: bytes
    record: dict[str, Any]


class LabelsWriter:
    """Write the recordings of one file.

    Parameters
    ----------
    manifest
        Of the bundle.
    hop
        Samples from one window to the next.
    """

    def __init__(self, manifest: Manifest, *, hop: int) -> None:
        self._manifest, self._hop = manifest, hop
        self._names = names(manifest)
        self._tables: list[pa.Table] = []
        self._days = Days(len(self._names))
        self._recordings: list[dict[str, Any]] = []

    def add(self, about: About, parts: Sequence[Part]) -> None:
        """Decode and add a recording, its parts in order."""
        decoded = self._decoded(parts)
        starts_s = _joined([part.starts_s for part in parts], np.float64)
        doubtful = _joined([part.doubtful for part in parts], np.bool_)
        filled = _joined([part.filled for part in parts], np.int16)
        idle = not_worn(
            _joined([part.still_s for part in parts], np.float64), _joined([part.still for part in parts], np.bool_)
        )
        window = self._manifest.window
        worn = ~inside(starts_s + window.length / window.rate_hz / 2, idle)
        stretches = np.repeat([part.stretch for part in parts], [len(part) for part in parts])
        follows = np.concatenate([[False], stretches[1:] == stretches[:-1]]) if len(stretches) else worn
        best = _joined([part.best for part in parts], np.int16)
        seconds = float(starts_s[-1]) + window.length / window.rate_hz if len(starts_s) else 0.0
        self._days.count(
            about.subject, *days_of(starts_s, about.began_s, about.recording_id, seconds=seconds), decoded.labels,
            decoded.probabilities, follows=follows, worn=worn, doubtful=doubtful, filled=filled > 0,
        )  # fmt: skip
        quality = (filled > 0) * 4 + doubtful * 2 + ~worn
        coverage = (1.0 - filled / window.length).astype(np.float32)
        self._tables.append(self._table(about, starts_s, decoded, best, coverage, quality, worn))
        self._recordings.append(
            {
                "recording": about.recording_id, "subject": about.subject, "began_s": about.began_s,
                "rate_hz": about.rate_hz, "unit": about.unit, "windows": len(starts_s),
                "seconds": seconds,
                "stretches": len({part.stretch for part in parts}), "problems": list(about.problems),
                "not_worn_s": [list(interval) for interval in idle],
                "still_share": float(np.mean(np.concatenate([part.still for part in parts]))) if parts and any(
                    len(part.still) for part in parts) else 0.0,
            }
        )  # fmt: skip

    def finish(self, facts: dict[str, Any]) -> Labels:
        """Return everything as Parquet; ``facts`` go into its footer beside what was counted."""
        record = {**facts, "recordings": self._recordings, "days": self._days.to_json()}
        table = pa.concat_tables(self._tables, promote_options="none").unify_dictionaries()
        table = table.replace_schema_metadata({FOOTER: json.dumps(record, ensure_ascii=False).encode()})
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd", row_group_size=_GROUP_ROWS, use_dictionary=list(_REPEATED))
        return Labels(sink.getvalue(), record)

    def _decoded(self, parts: Sequence[Part]) -> Decoded:
        """Return the labels of all parts, each stretch decoded as one."""
        found = []
        numbers = [part.stretch for part in parts]
        for number in dict.fromkeys(numbers):
            own = [part for part in parts if part.stretch == number]
            found.append(self._stretch(own))
        return Decoded(
            _joined([item.labels for item in found], np.int16), _joined([item.probabilities for item in found], "f4")
        )

    def _stretch(self, parts: Sequence[Part]) -> Decoded:
        """Return the labels of one stretch."""
        posteriors = [part.posteriors for part in parts if part.posteriors is not None]
        if not posteriors:
            best = np.concatenate([part.best for part in parts]).astype(np.intp)
            peaks = np.concatenate([part.peaks for part in parts])
            return dwelled(best, peaks, None, self._manifest, hop=self._hop)
        heard = [part.heard.directions for part in parts if part.heard is not None]
        rows = posteriors[0] if len(posteriors) == 1 else np.concatenate(posteriors)
        return decode_stretch(self._manifest, rows, np.concatenate(heard) if heard else None, hop=self._hop)

    def _table(
        self,
        about: About,
        starts_s: npt.NDArray[np.float64],
        decoded: Decoded,
        best: npt.NDArray[np.int16],
        coverage: npt.NDArray[np.float32],
        quality: npt.NDArray[np.int64],
        worn: npt.NDArray[np.bool_],
    ) -> pa.Table:
        """Return the rows of a recording."""
        count = len(starts_s)
        if about.began_s is None:
            times = pa.nulls(count, pa.timestamp("ms"))
        else:
            times = pa.array(np.rint((about.began_s + starts_s) * 1e3).astype("datetime64[ms]"))
        same = np.zeros(count, np.int32)
        return pa.table(
            {
                "recording": _dictionary(same, (about.recording_id,)),
                "subject": _dictionary(same, (about.subject,)),
                "start_s": starts_s,
                "time": times,
                "label": _dictionary(decoded.labels, self._names),
                "raw_label": _dictionary(best, self._names),
                "probability": decoded.probabilities,
                "coverage": coverage,
                "quality": _dictionary(quality, _QUALITIES),
                "worn": worn,
            }
        )


def read_record(path: Path) -> dict[str, Any]:
    """Return the record in the footer of a file of labels."""
    found: dict[str, Any] = json.loads((pq.read_schema(path).metadata or {})[FOOTER])
    return found


def _dictionary(places: npt.NDArray[Any], values: tuple[str, ...]) -> pa.DictionaryArray:
    """Return texts as their places in a list."""
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(values, pa.string()))


def _joined(parts: Sequence[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return parts as one array."""
    return np.concatenate(parts) if parts else np.empty(0, dtype)
