"""Prove a bundle: replay its golden windows on every engine, and say what was not checked and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.agreement import agreement, largest_error, limits_of, oracle_outputs
from edgehar.models.architecture.stateful import STATEFUL
from edgehar.models.bundle import FLOAT_TOLERANCE, Bundle
from edgehar.models.engines import ENGINES, Engine, load_engine, missing_reason, runnable
from edgehar.models.errors import EngineError, HarError, UsageError
from edgehar.models.isolation import Isolation
from edgehar.models.reference.stateful import step, zero_states
from edgehar.models.stateful import load_stream, stateful_runs
from edgehar.models.stateful.stream import Stream, whole_windows

ROUNDING: Final = FLOAT_TOLERANCE
"""Largest difference of a probability that a window's place among others may make: vector units round differently."""

_STEPPED: Final = 8
"""Golden windows that are also taken sample by sample: one of every kind."""


@dataclass(frozen=True, slots=True)
class ArtifactVerification:
    """What the golden windows say of one artifact on one engine.

    ``checked`` is False where no engine can run it; then ``reason`` says so, and nothing is claimed.
    ``max_abs_error``, ``mean_error`` and ``top1_agreement`` are from the oracle's outputs, as
    `edgehar.models.agreement` defines them; ``max_abs_deviation`` is from the outputs recorded when the artifact was
    made, and must not exceed ``tolerance``.

    With ``stateful`` the windows were stepped through from a fresh state; ``batch_matters`` is then whether it matters
    how many samples were taken at once.
    """

    artifact: str
    quantization: str
    engine: str
    runtime: str | None
    checked: bool
    ok: bool
    reason: str | None
    max_abs_error: float | None = None
    mean_error: float | None = None
    top1_agreement: float | None = None
    max_abs_deviation: float | None = None
    tolerance: float | None = None
    order_matters: bool | None = None
    batch_matters: bool | None = None
    stateful: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    """One artifact on one engine, by windows or by samples that carry a state."""

    engine: str
    file: str
    quantization: str
    stateful: bool = False

    def failed(self, reason: str, *, checked: bool = True) -> ArtifactVerification:
        """Return the row of a run that did not come to an end, or was not begun."""
        return ArtifactVerification(
            self.file,
            self.quantization,
            self.engine,
            None,
            checked=checked,
            ok=not checked,
            reason=reason,
            stateful=self.stateful,
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything `verify_bundle` found; ``ok`` if nothing that was checked failed, and something was checked."""

    ok: bool
    artifacts: tuple[ArtifactVerification, ...]


def verify_bundle(bundle: Bundle, engines: Sequence[str] | None = None, *, isolate: bool = False) -> Verification:
    """Replay the golden windows on every engine that has an artifact.

    An artifact passes on an engine if its probabilities are as near to the oracle's as its quantization allows, within
    its tolerance of those recorded when it was made, if neither reversing nor repeating the windows changes anything
    (no state outlives a window), and if a batch gives what its windows give one by one. Where the bundle has files that
    carry state, every engine that can is also held to the oracle on streams of two windows, by whatever number of
    samples they are taken. The oracle is computed from the
    bundle's weights, whatever the bundle says of it; a tolerance it claims is capped by its quantization.

    Parameters
    ----------
    bundle
        The bundle to prove.
    engines
        Names of `edgehar.models.engines.ENGINES`; all of them by default.
    isolate
        Run the engines in a process of their own: a file that crashes one is a finding then.

    Raises
    ------
    UsageError
        If there is no such engine.
    """
    unknown = sorted(set(engines or ()) - set(ENGINES))
    if unknown:
        raise UsageError(
            f"engine: expected some of {', '.join(ENGINES)}, got {', '.join(unknown)}",
            next_step="Choose among these names.",
        )
    wanted = [run for run in _runs(bundle) if engines is None or run.engine in engines]
    if isolate:
        with Isolation() as isolation:
            rows = [_verify_isolated(isolation, bundle, run) for run in wanted]
    else:
        rows = [_verify(bundle, run) for run in wanted]
    if engines is None:
        rows += _unreadable(bundle)
    return Verification(ok=any(row.checked for row in rows) and all(row.ok for row in rows), artifacts=tuple(rows))


def _runs(bundle: Bundle) -> list[_Run]:
    """Return every artifact on every engine that reads it; by samples where the bundle has files made for that."""
    carried = set(STATEFUL.values()) & {entry.format for entry in bundle.manifest.artifacts}
    streams = [_Run(*run, stateful=True) for run in (stateful_runs(bundle) if carried else ())]
    return [*(_Run(*run) for run in runnable(bundle)), *streams]


def _unreadable(bundle: Bundle) -> list[ArtifactVerification]:
    """Return a row for every artifact that no engine reads."""
    formats = {entry.format for entry in ENGINES.values()} | set(STATEFUL.values())
    return [
        _Run("none", entry.file, entry.quantization).failed(
            f"no engine of this version reads the format {entry.format!r}", checked=False
        )
        for entry in bundle.manifest.artifacts
        if entry.format not in formats
    ]


def _verify(bundle: Bundle, run: _Run) -> ArtifactVerification:
    """Verify one artifact on one engine; a refusal is a finding, not an exception."""
    missing = missing_reason(run.engine)
    if missing is not None:
        return run.failed(missing, checked=False)
    try:
        if run.stateful:
            return _replay_stream(bundle, load_stream(bundle, run.engine, run.file))
        return _replay(bundle, load_engine(bundle.only(run.file), run.engine, run.quantization))
    except HarError as error:
        return run.failed(str(error))


def _verify_isolated(isolation: Isolation, bundle: Bundle, run: _Run) -> ArtifactVerification:
    """Verify in another process; its end is a finding too."""
    try:
        return isolation.run(_verify, bundle, run)
    except EngineError as error:
        return run.failed(str(error))


def _replay(bundle: Bundle, engine: Engine) -> ArtifactVerification:
    """Run the golden windows forwards, backwards, twice, and one by one."""
    windows = bundle.golden["windows"]
    recorded, tolerance = _recorded(bundle, engine)
    limits = limits_of(engine.quantization)
    outputs = engine.predict(windows)
    backwards = engine.predict(windows[::-1])[::-1]
    twice = engine.predict(np.repeat(windows, 2, axis=0))
    singly = np.concatenate([engine.predict(windows[index : index + 1]) for index in range(len(windows))])
    found = agreement(outputs, oracle_outputs(bundle, windows), task=bundle.manifest.task)
    order_matters = max(largest_error(outputs, other) for other in (backwards, twice[::2], twice[1::2])) > ROUNDING
    batch_matters = largest_error(outputs, singly) > ROUNDING
    reasons = found.problems(limits)
    deviation = largest_error(outputs, recorded)
    if not deviation <= tolerance:
        reasons.append(f"expected probabilities within {tolerance:g} of the recorded ones, got {deviation:.3g}")
    if order_matters:
        reasons.append("a window's result depends on the windows before it")
    if batch_matters:
        reasons.append("a batch gives other results than its windows one by one")
    return ArtifactVerification(
        engine.artifact,
        engine.quantization,
        engine.name,
        engine.runtime,
        checked=True,
        ok=not reasons,
        reason="; ".join(reasons) or None,
        max_abs_error=found.error,
        mean_error=found.mean_error,
        top1_agreement=found.agreement,
        max_abs_deviation=deviation,
        tolerance=tolerance,
        order_matters=order_matters,
        batch_matters=batch_matters,
    )


def _replay_stream(bundle: Bundle, stream: Stream) -> ArtifactVerification:
    """Step through the golden windows from a fresh state, at once and sample by sample, and through two in a row."""
    windows, architecture = bundle.golden["windows"], bundle.manifest.architecture
    recorded, tolerance = _recorded(bundle, stream)
    limits = limits_of(stream.quantization)
    outputs = whole_windows(stream, architecture, windows)
    backwards = whole_windows(stream, architecture, windows[::-1])[::-1]
    pairs = np.concatenate([windows, windows[::-1]], axis=1)
    carried = whole_windows(stream, architecture, pairs)
    sizes = (stream.block, architecture.window)
    in_parts = [whole_windows(stream, architecture, pairs[:_STEPPED], at_once=size) for size in sizes]
    zeros = zero_states(architecture, len(pairs), np.float64)
    oracle = step(architecture, bundle.folded_weights, pairs, zeros)[0]

    found = agreement(outputs, oracle_outputs(bundle, windows), task=bundle.manifest.task)
    behind = agreement(carried, oracle, task=bundle.manifest.task)
    deviation = largest_error(outputs, recorded)
    order_matters = largest_error(outputs, backwards) > ROUNDING
    blocks_matter = max(largest_error(carried[:_STEPPED], other) for other in in_parts) > ROUNDING
    reasons = found.problems(limits)
    if not deviation <= tolerance:
        reasons.append(f"expected probabilities within {tolerance:g} of the recorded ones, got {deviation:.3g}")
    if not reasons:
        reasons += [f"with the state carried to a second window: {problem}" for problem in behind.problems(limits)]
    if order_matters:
        reasons.append("a stream's result depends on the streams before it")
    if blocks_matter:
        reasons.append("samples one by one give other results than many at once")
    return ArtifactVerification(
        stream.artifact,
        stream.quantization,
        stream.name,
        f"{stream.runtime}, stateful",
        checked=True,
        ok=not reasons,
        reason="; ".join(reasons) or None,
        max_abs_error=max(found.error, behind.error),
        mean_error=max(found.mean_error, behind.mean_error),
        top1_agreement=min(found.agreement, behind.agreement),
        max_abs_deviation=deviation,
        tolerance=tolerance,
        order_matters=order_matters,
        batch_matters=blocks_matter,
        stateful=True,
    )


def _recorded(bundle: Bundle, engine: Engine | Stream) -> tuple[NDArray[Any], float]:
    """Return the recorded outputs of an artifact, and how close to them it must come."""
    most = limits_of(engine.quantization).tolerance
    for entry in bundle.manifest.artifacts:
        if entry.file == engine.artifact:
            if entry.file not in bundle.golden:
                raise EngineError(
                    f"golden.npz: expected the outputs of {entry.file}, there are none",
                    next_step="Compile the artifact again with `har compile`.",
                )
            return bundle.golden[entry.file], min(entry.tolerance, most)
    return bundle.golden["oracle"], most
