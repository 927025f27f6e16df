"""The run: which files are left, in which order their tasks begin, and what the run ends with.

Every file goes through the same states: hashed, looked at, its parts classified, put together, written. So many files
are on their way at a time that every worker is busy, and no more.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from edgehar.models.bundle import WEIGHTS, Bundle
from edgehar.models.bundle.tasks import MULTICLASS
from edgehar.models.engines import load_engine
from edgehar.models.errors import HarError, UsageError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.bulk import tasks
from edgehar.pipeline.bulk.archive import Archive, opened_archive
from edgehar.pipeline.bulk.cluster import Cluster, ClusterError, Outcome, opened_cluster
from edgehar.pipeline.bulk.decoding import names
from edgehar.pipeline.bulk.inputs import Input, find_inputs
from edgehar.pipeline.bulk.tasks import Job
from edgehar.pipeline.bulk.wear import RULE
from edgehar.pipeline.data.importing.options import Options

DEFAULT_BRIDGE_MS: Final = 50.0
"""As `har live` bridges."""

Progress = Callable[[int, int | None], None]
"""Called with (bytes done, bytes in all)."""


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """What a run ended with.

    Parameters
    ----------
    folder
        Where the labels are.
    done, skipped
        Files classified by this run, and files that were done before.
    duplicates
        Files whose content another file has too: (file, the other one).
    put_aside
        Files that could not be read, and why.
    facts
        People, days, windows, hours of everything in the folder.
    engine
        What computed.
    """

    folder: Path
    done: tuple[str, ...]
    skipped: tuple[str, ...]
    duplicates: tuple[tuple[str, str], ...]
    put_aside: dict[str, str]
    facts: dict[str, Any]
    engine: str

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-ready data."""
        return {
            "out": str(self.folder),
            "done": len(self.done),
            "skipped": len(self.skipped),
            "duplicates": [{"file": file, "same_as": other} for file, other in self.duplicates],
            "put_aside": [{"file": file, "reason": reason} for file, reason in self.put_aside.items()],
            "engine": self.engine,
            "non_wear_rule": RULE,
            **self.facts,
        }


def classify_recordings(
    bundle: Bundle,
    paths: Sequence[str],
    out: Path,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    engine: str = "auto",
    quantization: str = "float32",
    hop: int | None = None,
    bridge_ms: float = DEFAULT_BRIDGE_MS,
    options: Options | None = None,
    progress: Progress | None = None,
    began: Callable[[Cluster], None] | None = None,
) -> Classification:
    """Classify recordings into a folder; what is there already is not done again.

    Parameters
    ----------
    bundle
        The model; its decoder makes the labels.
    paths
        Files, folders, patterns and addresses.
    out
        The folder.
    scheduler, workers
        See `edgehar.pipeline.bulk.cluster.opened_cluster`.
    engine, quantization
        What computes, and which artifact of the bundle.
    hop
        Samples from one window to the next; the bundle's by default.
    bridge_ms
        The longest hole to fill.
    options
        What is declared about the files.
    progress
        Called when a part is done.
    began
        Called with the cluster when it is there.

    Raises
    ------
    UsageError
        When the model gives no labels, or the folder holds labels of another one.
    DataError
        When a path names nothing, or the folder cannot be written.
    ClusterError
        When the cluster is not there, or went away.
    """
    job = job_of(bundle, engine=engine, quantization=quantization, hop=hop, bridge_ms=bridge_ms, options=options)
    inputs = find_inputs(paths)
    size = sum(item.size for item in inputs)
    with opened_archive(out, job.identity) as archive, opened_cluster(scheduler, workers, size=size) as cluster:
        if began is not None:
            began(cluster)
        run = _Run(job, archive, cluster, inputs, progress or (lambda done, total: None))
        run.work()
        archive.put_aside(run.refused)
        manifest = bundle.manifest
        facts = archive.summarize(names(manifest), hop_s=job.hop / manifest.window.rate_hz)
    return Classification(
        out, tuple(run.done), tuple(run.skipped), tuple(run.duplicates), run.refused, facts, job.engine
    )


def job_of(
    bundle: Bundle,
    *,
    engine: str = "auto",
    quantization: str = "float32",
    hop: int | None = None,
    bridge_ms: float = DEFAULT_BRIDGE_MS,
    options: Options | None = None,
) -> Job:
    """Return what is the same for every file, with the engine that this machine would choose.

    Raises
    ------
    UsageError
        When the model gives no labels, or a number cannot be meant.
    EngineError
        When the engine is not installed.
    """
    manifest = bundle.manifest
    if manifest.task != MULTICLASS or len(manifest.architecture.output_shape) > 1 or len(manifest.window.channels) != 3:
        raise UsageError(
            f"{manifest.model_id}: expected a model that gives one label for a window of acceleration, "
            f"its outputs are those of a {manifest.task} model",
            next_step="Choose another bundle.",
        )
    chosen = manifest.window.hop if hop is None else hop
    if chosen < 1 or not 0 <= bridge_ms < 1e4:
        raise UsageError(
            f"hop {chosen} and bridge {bridge_ms:g} ms: expected a hop of at least 1 sample, and 0 to 10,000 ms",
            next_step="Leave them out.",
        )
    loaded = load_engine(bundle, engine, quantization)
    slim = replace(
        bundle.only(loaded.artifact),
        files={name: bundle.files[name] for name in {WEIGHTS, loaded.artifact} if name in bundle.files},
        location=None,
    )
    return Job(slim, loaded.name, quantization, chosen, bridge_ms / 1e3, options or Options())


@dataclass(slots=True, eq=False)
class _Way:
    """A file on its way."""

    item: Input
    key: str = ""
    tasks: list[Any] = field(default_factory=list)
    parts: int = 1
    ended: int = 0


class _Run:
    """The files of a run."""

    def __init__(self, job: Job, archive: Archive, cluster: Cluster, inputs: list[Input], progress: Progress) -> None:
        self.done: list[str] = []
        self.skipped: list[str] = []
        self.duplicates: list[tuple[str, str]] = []
        self.refused: dict[str, str] = {}
        self._job, self._archive, self._cluster, self._progress = job, archive, cluster, progress
        self._left = deque(enumerate(inputs))
        self._ways: dict[int, _Way] = {}
        self._keys: dict[str, str] = {}
        self._total = sum(item.size for item in inputs)
        self._passed = 0

    def work(self) -> None:
        """Do everything that is left."""
        self._progress(0, self._total)
        while self._left or self._ways:
            while self._left and len(self._ways) < 2 * self._cluster.workers:
                number, item = self._left.popleft()
                self._ways[number] = _Way(item)
                self._submit(number, "hash", tasks.identify, item)
            self._take(self._cluster.wait())

    def _submit(self, number: int, step: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Begin a task of a file."""
        task = self._cluster.submit(f"{step}-{number}", work, *arguments, fetch=step != "part")
        self._ways[number].tasks.append(task)
        return task

    def _take(self, outcome: Outcome) -> None:
        """Go on with the file of a task that has ended."""
        step, _, number = outcome.name.partition("-")
        way = self._ways.get(int(number))
        if way is None:
            return
        if outcome.error is not None:
            self._refuse(int(number), way, outcome.error)
        elif step == "hash":
            self._hashed(int(number), way, outcome.value)
        elif step == "look":
            self._looked(int(number), way, outcome.value)
        elif step == "part":
            way.ended += 1
            self._progress(self._passed + way.item.size * way.ended // (way.parts + 1), self._total)
        else:
            self._archive.keep(way.key, outcome.value)
            self.done.append(way.item.inner)
            self._end(int(number), way)

    def _hashed(self, number: int, way: _Way, key: str) -> None:
        """Pass over a file that is done, or whose content another file has."""
        way.key = key
        if key in self._keys:
            self.duplicates.append((way.item.inner, self._keys[key]))
        elif self._archive.has(key):
            self.skipped.append(way.item.inner)
        else:
            self._keys[key] = way.item.inner
            self._submit(number, "look", tasks.look, self._job, way.item)
            return
        self._keys[key] = self._keys.get(key, way.item.inner)
        self._end(number, way)

    def _looked(self, number: int, way: _Way, found: tasks.Look) -> None:
        """Begin the parts of a file, or read it in one piece."""
        if found.plan is None:
            self._submit(number, "whole", tasks.whole, self._job, way.item, way.key)
            return
        way.parts = len(found.cuts)
        parts = [self._submit(number, "part", tasks.part, self._job, way.item, found.plan, cut) for cut in found.cuts]
        self._submit(number, "finish", tasks.finish, self._job, way.item, way.key, found.plan, *parts)

    def _refuse(self, number: int, way: _Way, error: BaseException) -> None:
        """Put a file aside, with one sentence."""
        if isinstance(error, UsageError):
            raise error
        if isinstance(error, HarError | ClusterError):
            reason = str(error)
        elif isinstance(error, MemoryError):
            reason = "expected it to fit into memory, it does not. Give workers more memory."
        elif isinstance(error, OSError | ValueError):
            reason = f"expected a readable file, but {printable(' '.join(str(error).split()), 200)}. Check the file."
        else:
            raise error
        self.refused[way.item.inner] = reason
        self._keys.pop(way.key, None)
        self._end(number, way)

    def _end(self, number: int, way: _Way) -> None:
        """A file is through."""
        self._passed += way.item.size
        self._cluster.forget(way.tasks)
        del self._ways[number]
        self._progress(self._passed, self._total)
