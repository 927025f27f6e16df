"""Plan a benchmark: all engines with all artifacts of a bundle, the windows they get, and the oracle's outputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.candidates import Candidate, CandidateFacts, UnavailableCandidate, Worker
from edgehar.firmware_bridge.benchmark.frameworks import FRAMEWORKS, missing_frameworks
from edgehar.firmware_bridge.benchmark.results import ModelFacts
from edgehar.firmware_bridge.benchmark.worker_process import ProcessWorker
from edgehar.models.agreement import oracle_outputs
from edgehar.models.bundle import WEIGHTS, Bundle, CompiledArtifact, read_bundle
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.engines import ENGINES, runnable
from edgehar.models.errors import UsageError

DISTINCT_WINDOWS: Final = 1000
"""Different windows of a plan; longer runs begin again with the first."""

_REBUILT: Final = "rebuilt"
"""Route of a framework that has no file: the model written down anew, with the bundle's weights."""


@dataclass(frozen=True, slots=True)
class EngineCandidate:
    """An engine with an artifact of a bundle on disk, in a process of its own.

    ``python`` may be the interpreter of another environment, one with an older runtime say: it needs this project.
    """

    facts: CandidateFacts
    bundle: Path
    threads: int = 1
    python: str | None = None

    def start(self, windows: Path) -> Worker:
        """Start the process."""
        task = {
            "bundle": str(self.bundle),
            "engine": self.facts.engine,
            "artifact": self.facts.artifact,
            "threads": self.threads,
            "windows": str(windows),
        }
        return ProcessWorker(task, threads=self.threads, python=self.python)


@dataclass(frozen=True, slots=True, eq=False)
class ModelPlan:
    """All candidates that run one model, the windows they all get, and the outputs they should give."""

    model: ModelFacts
    candidates: tuple[Candidate, ...]
    windows: NDArray[np.float32]
    oracle: NDArray[np.float64]


def plan_bundle(
    path: Path,
    *,
    engines: Sequence[str] | None = None,
    windows: NDArray[np.float32] | None = None,
    artificial: int = DISTINCT_WINDOWS,
    threads: int = 1,
    extra: Sequence[Candidate] = (),
) -> ModelPlan:
    """Return the plan of every engine with every artifact of a bundle that it can read.

    Parameters
    ----------
    path
        The bundle, a folder or a zip.
    engines
        Names of `ENGINES`; by default all that the bundle has files for. Those not installed, and those named here
        that the bundle has nothing for, are rows that say so.
    windows : ndarray of shape (n, window_length, channels), float32, in g
        What to predict: by default artificial windows.
    artificial
        How many of those there are.
    threads
        Processor threads an engine may use.
    extra
        Further candidates for the same model, such as what standard converters make of it.

    Raises
    ------
    UsageError
        If there is no engine of a name.
    BundleError
        If there is no readable bundle at ``path``.
    """
    unknown = [name for name in engines or () if name not in ENGINES]
    if unknown or (engines is not None and not engines):
        raise UsageError(
            f"engines: expected names of {', '.join(ENGINES)}, got {', '.join(unknown) or 'none'}",
            next_step="Name some of these, separated by commas.",
        )
    bundle = read_bundle(path)
    architecture, window = bundle.manifest.architecture, bundle.manifest.window
    if windows is None:
        windows = golden_inputs(architecture, artificial)
    model = ModelFacts(
        model_id=bundle.manifest.model_id,
        architecture=architecture.name,
        parameters=architecture.parameter_count,
        bundle=str(path),
        hop_s=window.hop / window.rate_hz,
    )
    own = _candidates(bundle, path, engines, threads)
    return ModelPlan(model, (*own, *extra), windows, oracle_outputs(bundle, windows))


def foreign_candidates(
    bundle: Bundle, artifacts: Sequence[CompiledArtifact], folder: Path, *, threads: int = 1
) -> list[Candidate]:
    """Return candidates for files that other converters made of a bundle's weights.

    Parameters
    ----------
    bundle
        The model the files were made of.
    artifacts
        The files; their routes say who made them. Each meets every engine that reads its format.
    folder
        Where they are kept, as a bundle, until they have been measured; must not exist yet.
    threads
        Processor threads an engine may use.
    """
    bare = replace(bundle, manifest=replace(bundle.manifest, artifacts=()))
    bare.with_artifacts(artifacts).save(folder)
    return [
        EngineCandidate(
            CandidateFacts(engine, artifact.file, artifact.quantization, artifact.route, len(artifact.content)),
            folder,
            threads,
        )
        for artifact in artifacts
        for engine, entry in ENGINES.items()
        if entry.format == artifact.format
    ]


def framework_candidates(bundle: Bundle, path: Path, *, threads: int = 1) -> list[Candidate]:
    """Return candidates for the frameworks that are installed, each with the bundle's weights or one of its files.

    Parameters
    ----------
    bundle, path
        The model, and where it is.
    threads
        Processor threads a framework may use.
    """
    candidates: list[Candidate] = []
    for name, framework in FRAMEWORKS.items():
        if name in missing_frameworks():
            continue
        entry = bundle.manifest.artifact(format=framework.format, quantization="float32") if framework.format else None
        if framework.format and entry is None:
            facts = CandidateFacts(name, "", "", "", None)
            reason = f"the bundle has no float32 {framework.format} artifact. Add one with `har compile`."
            candidates.append(UnavailableCandidate(facts, reason))
            continue
        file, route = (WEIGHTS, _REBUILT) if entry is None else (entry.file, entry.route)
        facts = CandidateFacts(name, file, "float32", route, len(bundle.files[file]))
        candidates.append(EngineCandidate(facts, path, threads))
    return candidates


def _candidates(bundle: Bundle, path: Path, engines: Sequence[str] | None, threads: int) -> list[Candidate]:
    """Return a candidate for every engine and artifact: whether an engine is installed, its worker finds out."""
    entries = {entry.file: entry for entry in bundle.manifest.artifacts}
    candidates: list[Candidate] = []
    for engine in engines or ENGINES:
        readable = [(file, quantization) for name, file, quantization in runnable(bundle) if name == engine]
        if engines and not readable:
            reason = f"the bundle has no {ENGINES[engine].format} artifact. Add one with `har compile`."
            candidates.append(UnavailableCandidate(CandidateFacts(engine, "", "", "", None), reason))
        for file, quantization in readable:
            route = entries[file].route if file in entries else ""
            facts = CandidateFacts(engine, file, quantization, route, len(bundle.files[file]))
            candidates.append(EngineCandidate(facts, path, threads))
    return candidates
