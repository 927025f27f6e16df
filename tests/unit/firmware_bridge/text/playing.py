"""Play lines at a text source as a port would, and say what it has understood, as tests/golden/text-lines.json does."""

import hashlib
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgehar.firmware_bridge.stream.checks import StreamChecks
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.errors import BridgeError
from edgehar.models.units import parse_unit

_LAYOUT = "text lines, "


def play(
    lines: Sequence[bytes], *, columns: str = "", unit: str = "", skip: int = 0, rate_hz: float = 100.0, cuts: int = 0
) -> tuple[np.ndarray, list[Remark], TextSource]:
    """Feed a source as a port would, and return the samples and remarks; a question is a warning."""
    source = TextSource(
        unit=parse_unit(unit) if unit else None,
        rate_hz=100.0,
        columns=tuple(columns.split(",")) if columns else None,
        adopts_rate=True,
    )
    checks = StreamChecks(declared_rate_hz=100.0, window_length=200, range_g=None, rate_is_adopted=True)
    rng = random.Random(cuts)
    samples: list[np.ndarray] = []
    remarks: list[Remark] = []

    def take(data: bytes, now_s: float) -> None:
        decoded = source.feed(data, now_s)
        samples.extend(block.samples_g for block in decoded.blocks)
        remarks.extend(decoded.remarks)
        remarks.extend(checks.after_read(decoded.blocks, source.counts, source.unit))

    try:
        waiting = b""
        for index, line in enumerate(lines):
            waiting += line
            if skip:
                skip, waiting = max(0, skip - len(waiting)), waiting[skip:]
            size = rng.randrange(len(waiting) + 1) if cuts else len(waiting)
            take(waiting[:size], index / rate_hz)
            waiting = waiting[size:]
        take(waiting, len(lines) / rate_hz)
        ended = source.finish(len(lines) / rate_hz)
    except BridgeError as question:
        return np.zeros((0, 3), np.float32), [*remarks, Remark(str(question), warning=True)], source
    samples += [block.samples_g for block in ended.blocks]
    return np.concatenate([np.zeros((0, 3), np.float32), *samples]), [*remarks, *ended.remarks], source


def doubts(remarks: Sequence[Remark]) -> list[str]:
    """Return the warnings that say something is not understood."""
    return [remark.text for remark in remarks if remark.warning and "cannot be noticed" not in remark.text]


def outcome(
    lines: Sequence[bytes], samples: np.ndarray, remarks: Sequence[Remark], source: TextSource
) -> dict[str, Any]:
    """Return what was understood of lines, as numbers that another implementation can be held to."""
    digest = {"input": hashlib.sha256(b"".join(lines)).hexdigest()[:16]}
    if not len(samples):
        text = doubts(remarks)[-1]
        return {**digest, "asks": "unit" if "--unit:" in text or "--unit" in text.split("--columns")[0] else "columns"}
    layout = [remark.text for remark in remarks if remark.text.startswith(_LAYOUT)][-1].removeprefix(_LAYOUT)
    return {
        **digest,
        "layout": layout,
        "unit": "" if source.unit is None else source.unit.name,
        "samples": len(samples),
        "lost": source.counts.lost,
        "sums_g": [round(float(value), 3) for value in samples.sum(axis=0, dtype=np.float64)],
        "last_g": [round(float(value), 4) for value in samples[-1]],
        "is_doubted": any("--unit" in text for text in doubts(remarks)),
    }
