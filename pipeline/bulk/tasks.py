"""What workers do: hash a file, look at it, classify a part, and put parts together. They write nothing.

A task's result depends on its arguments alone, so that it may be repeated on another worker.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import PushSpec
from edgehar.models.decoder.push import AT_REST
from edgehar.models.engines import Engine, load_engine
from edgehar.models.errors import DataError, HarError
from edgehar.pipeline.bulk.decoding import names
from edgehar.pipeline.bulk.inputs import Input, content_key, local_copy, opened_stream
from edgehar.pipeline.bulk.labels_table import About, Labels, LabelsWriter
from edgehar.pipeline.bulk.listening import BEFORE_SAMPLES
from edgehar.pipeline.bulk.posteriors import Cut, Part, classify_part, listener_of
from edgehar.pipeline.bulk.stretches import Samples, at_rate, read_forward, rows_of, stretches_of
from edgehar.pipeline.bulk.wear import BLOCK_S
from edgehar.pipeline.data.importing.options import UNKNOWN_SUBJECT, Options
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Recording

PART_ROWS: Final = 4_000_000
"""Samples of a part: 48 MB, eleven hours at 100 Hz."""
_EPOCH_S: Final = (1.1e9, 2.2e9)


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for every file.

    Parameters
    ----------
    bundle
        The model, with the files that its engine needs.
    engine, quantization
        What computes, by name: no worker chooses another one.
    hop
        Samples from one window to the next.
    bridge_s
        The longest hole to fill.
    options
        What is declared about the files.
    part_rows
        Samples of a part.
    """

    bundle: Bundle
    engine: str
    quantization: str
    hop: int
    bridge_s: float
    options: Options
    part_rows: int = PART_ROWS

    @property
    def identity(self) -> dict[str, Any]:
        """What labels depend on besides the samples."""
        manifest = self.bundle.manifest
        artifact = next(
            (item.sha256 for item in manifest.artifacts if item.quantization == self.quantization),
            manifest.weights.sha256,
        )
        decoder = json.dumps(manifest.to_json()["decoder"], sort_keys=True)
        return {
            "model": manifest.model_id,
            "weights": manifest.weights.sha256,
            "artifact": artifact,
            "decoder": hashlib.sha256(decoder.encode()).hexdigest(),
            "engine": self.engine,
            "quantization": self.quantization,
            "hop": self.hop,
            "hop_s": self.hop / manifest.window.rate_hz,
            "labels": list(names(manifest)),
            "bridge_s": self.bridge_s,
            "options": hashlib.sha256(repr(self.options).encode()).hexdigest(),
        }


@dataclass(frozen=True, slots=True)
class Look:
    """How a file is to be read: in parts, or, where there is no plan, in one piece."""

    plan: Any
    cuts: tuple[Cut, ...] = ()


def look(job: Job, item: Input) -> Look:
    """Look at a file."""
    if item.form != "parquet":
        return Look(None)
    from edgehar.pipeline.bulk.parquet_samples import open_parquet, plan_parquet

    window = job.bundle.manifest.window
    with opened_stream(item) as stream:
        file = open_parquet(stream, item.inner)
        plan = plan_parquet(file, item.inner, item.stem, job.options, rate_hz=window.rate_hz, bridge_s=job.bridge_s)
    if plan is None:
        return Look(None)
    if plan.subject == UNKNOWN_SUBJECT:
        plan = replace(plan, subject=_person(item, item.stem))
    return Look(plan, all_cuts(job, plan))


def all_cuts(job: Job, plan: Any) -> tuple[Cut, ...]:
    """Return the parts of a file."""
    return tuple(cut for number, stretch in enumerate(plan.stretches) for cut in cuts_of(job, number, len(stretch)))


def cuts_of(job: Job, number: int, samples: int) -> Iterator[Cut]:
    """Yield the parts of a stretch: all but the last hold as many windows, and whole blocks of ten seconds."""
    window = job.bundle.manifest.window
    count = (samples - window.length) // job.hop + 1 if samples >= window.length else 0
    block = round(BLOCK_S * window.rate_hz)
    least = next(windows for windows in range(1, block + 1) if windows * job.hop % block == 0)
    each = max(1, job.part_rows // job.hop // least) * least
    starts = list(range(0, max(count, 1), each))
    for first in starts:
        yield Cut(number, first, None if first == starts[-1] else first + each)


def part(job: Job, item: Input, plan: Any, cut: Cut) -> Part | None:
    """Classify a part of a file; None where only the importing chain can deal with it."""
    from edgehar.pipeline.bulk.parquet_samples import NotEvenError

    manifest, stretch = job.bundle.manifest, plan.stretches[cut.stretch]
    start = cut.first * job.hop
    early = 0 if manifest.decoder.push is None else min(start, BEFORE_SAMPLES)
    try:
        with _part_samples(job, item, plan, cut, early) as blocks:
            return classify_part(engine_of(job), manifest, blocks, stretch, cut, hop=job.hop, early=early)
    except NotEvenError:
        return None


@contextlib.contextmanager
def _part_samples(job: Job, item: Input, plan: Any, cut: Cut, early: int = 0) -> Iterator[Iterator[Samples]]:
    """Yield the samples of a part, and so many before it, block by block."""
    from edgehar.pipeline.bulk.parquet_samples import open_parquet, read_rows

    stretch, length = plan.stretches[cut.stretch], job.bundle.manifest.window.length
    start = cut.first * job.hop - early
    stop = len(stretch) if cut.stop is None else max((cut.stop - 1) * job.hop + length, cut.stop * job.hop)
    low, high = stretch.span(start, stop)
    with opened_stream(item) as stream:
        rows = read_rows(open_parquet(stream, item.inner), plan, low, high)
        yield read_forward(stretch, rows, low, start, stop)


def finish(job: Job, item: Input, key: str, plan: Any, *parts: Part | None) -> Labels:
    """Put the parts of a file together."""
    known = [found for found in parts if found is not None]
    if len(known) < len(parts):
        return whole(job, item, key)
    push = job.bundle.manifest.decoder.push
    if push is not None:
        known = list(_as_one_stream(job, push, item, plan, known))
    writer = LabelsWriter(job.bundle.manifest, hop=job.hop)
    writer.add(About(plan.recording_id, plan.subject, plan.began_s, plan.rate_hz, plan.unit), known)
    return writer.finish(_facts(item, key, plan.notes, ()))


def _as_one_stream(job: Job, push: PushSpec, item: Input, plan: Any, parts: Sequence[Part]) -> Iterator[Part]:
    """Yield parts whose directions are those of the whole stretch: listened to again where they began otherwise."""
    before = AT_REST
    for cut, found in zip(all_cuts(job, plan), parts, strict=True):
        before = before if cut.first else AT_REST
        heard = found.heard
        if heard is None or heard.before != before:
            listener = listener_of(push, job.bundle.manifest.window, cut, hop=job.hop, state=before)
            with _part_samples(job, item, plan, cut) as blocks:
                for block in blocks:
                    listener.feed(block)
            heard = listener.heard(len(found))
        before = heard.after
        yield replace(found, heard=heard)


def whole(job: Job, item: Input, key: str) -> Labels:
    """Read a file through the importing chain and classify it, stretch by stretch."""
    manifest, writer = job.bundle.manifest, LabelsWriter(job.bundle.manifest, hop=job.hop)
    engine = engine_of(job)
    recordings, notes, problems = _recordings(job, item)
    for recording in recordings:
        stamps = recording.timestamps_s
        stretches = stretches_of(recording, bridge_s=job.bridge_s)
        parts = [
            classify_part(
                engine, manifest, at_rate(stretch, rows_of(recording), to_hz=manifest.window.rate_hz, stamps_s=stamps),
                stretch, Cut(number), hop=job.hop,
            )
            for number, stretch in enumerate(stretches)
        ]  # fmt: skip
        first_s = None if stamps is None else float(stamps[0])
        began_s = first_s if first_s is not None and _EPOCH_S[0] <= first_s <= _EPOCH_S[1] else None
        writer.add(
            About(recording.recording_id, recording.subject, began_s, recording.rate_hz, problems=recording.problems),
            parts,
        )
    return writer.finish(_facts(item, key, notes, problems))


def identify(item: Input) -> str:
    """Return the content hash of a file."""
    return content_key(item)


def engine_of(job: Job) -> Engine:
    """Return the engine of a job, loaded once in every process."""
    return _engine(_Hashed(job))


def _recordings(job: Job, item: Input) -> tuple[list[Recording], tuple[str, ...], tuple[str, ...]]:
    """Return the recordings of a file with their ids and people, and what was detected and what is wrong."""
    options = None if job.options == Options() else job.options
    problems: tuple[str, ...] = ()
    if item.form == "parquet":
        from edgehar.pipeline.bulk.parquet_samples import import_parquet, open_parquet

        with opened_stream(item) as stream:
            source = Source(item.inner, item.inner, Path(item.inner))
            imported = import_parquet(open_parquet(stream, item.inner), item.inner, source, job.options)
        found, notes = imported.recordings, tuple(imported.notes)
    elif item.form == "dataset":
        dataset = load_dataset(item.url)
        return list(dataset.recordings), dataset.notes, dataset.problems
    else:
        with local_copy(item) as place, _named(place, item):
            dataset = load_dataset(place, layout=options)
            found, notes, problems = list(dataset.recordings), dataset.notes, dataset.problems
    return [_renamed(recording, item) for recording in found], notes, problems


@contextlib.contextmanager
def _named(place: Path, item: Input) -> Iterator[None]:
    """Call a copy in messages what the file is called."""
    try:
        yield
    except HarError as error:
        if not item.is_remote:
            raise
        raise type(error)(error.message.replace(str(place), item.url), next_step=error.next_step) from error


def _renamed(recording: Recording, item: Input) -> Recording:
    """Name a recording by its relative path; a person nobody names is one by the name of the file."""
    stem = Path(item.stem).name
    own = recording.recording_id
    name = item.stem + own[len(stem) :] if own.startswith(stem) else own
    subject = recording.subject if recording.subject != UNKNOWN_SUBJECT else _person(item, name)
    return replace(recording, recording_id=name, subject=subject)


def _person(item: Input, name: str) -> str:
    """Return who wore the sensor: as a folder `subject=NAME` says, else by the recording's own name."""
    for folder in reversed(item.inner.split("/")[:-1]):
        if folder.lower().startswith("subject=") and folder.partition("=")[2]:
            return folder.partition("=")[2]
    return name


def _facts(item: Input, key: str, notes: tuple[str, ...], problems: tuple[str, ...]) -> dict[str, Any]:
    """Return what is written about a file."""
    return {"file": item.inner, "url": item.url, "key": key, "notes": list(notes), "problems": list(problems)}


class _Hashed:
    """A job as a key of the cache of engines: what an engine depends on."""

    def __init__(self, job: Job) -> None:
        self.job, self._key = job, (job.engine, job.quantization, job.bundle.manifest)

    def __hash__(self) -> int:
        return hash((*self._key[:2], self._key[2].weights.sha256))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and other._key == self._key


@lru_cache(maxsize=4)
def _engine(hashed: _Hashed) -> Engine:
    """Load an engine."""
    job = hashed.job
    try:
        return load_engine(job.bundle, job.engine, job.quantization)
    except DataError as error:
        raise HarError(error.message, next_step=error.next_step) from error
