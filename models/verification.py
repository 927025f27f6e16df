"""Prove a bundle: replay its golden windows on every engine, and say what was not checked and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.agreement import agreement, largest_error, limits_of, oracle_outputs
from edgehar.models.bundle import FLOAT_TOLERANCE, Bundle
from edgehar.models.engines import ENGINES, Engine, load_engine, missing_reason, runnable
from edgehar.models.errors import EngineError, HarError, UsageError
from edgehar.models.isolation import Isolation

ROUNDING: Final = FLOAT_TOLERANCE
"""Largest difference of a probability that a window's place among others may make: vector units round differently."""


@dataclass(frozen=True, slots=True)
class ArtifactVerification:
    """What the golden windows say of one artifact on one engine.

    ``checked`` is False where no engine can run it; then ``reason`` says so, and nothing is claimed.
    ``max_abs_error``, ``mean_error`` and ``top1_agreement`` are from the oracle's outputs, as
    `edgehar.models.agreement` defines them; ``max_abs_deviation`` is from the outputs recorded when the artifact was
    made, and must not exceed ``tolerance``.
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


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything `verify_bundle` found; ``ok`` if nothing that was checked failed, and something was checked."""

    ok: bool
    artifacts: tuple[ArtifactVerification, ...]


def verify_bundle(bundle: Bundle, engines: Sequence[str] | None = None, *, isolate: bool = False) -> Verification:
    """Replay the golden windows on every engine that has an artifact.

    An artifact passes on an engine if its probabilities are as near to the oracle's as its quantization allows, within
    its tolerance of those recorded when it was made, if neither reversing nor repeating the windows changes anything
    (no state outlives a window), and if a batch gives what its windows give one by one. The oracle is computed from the
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
    wanted = [run for run in runnable(bundle) if engines is None or run[0] in engines]
    if isolate:
        with Isolation() as isolation:
            rows = [_verify_isolated(isolation, bundle, *run) for run in wanted]
    else:
        rows = [_verify(bundle, *run) for run in wanted]
    if engines is None:
        rows += _unreadable(bundle)
    return Verification(ok=any(row.checked for row in rows) and all(row.ok for row in rows), artifacts=tuple(rows))


def _unreadable(bundle: Bundle) -> list[ArtifactVerification]:
    """Return a row for every artifact that no engine reads."""
    formats = {entry.format for entry in ENGINES.values()}
    return [
        ArtifactVerification(
            entry.file,
            entry.quantization,
            "none",
            None,
            checked=False,
            ok=True,
            reason=f"no engine of this version reads the format {entry.format!r}",
        )
        for entry in bundle.manifest.artifacts
        if entry.format not in formats
    ]


def _verify(bundle: Bundle, name: str, file: str, quantization: str) -> ArtifactVerification:
    """Verify one artifact on one engine; a refusal is a finding, not an exception."""
    missing = missing_reason(name)
    if missing is not None:
        return ArtifactVerification(file, quantization, name, None, checked=False, ok=True, reason=missing)
    try:
        return _replay(bundle, load_engine(bundle.only(file), name, quantization))
    except HarError as error:
        return ArtifactVerification(file, quantization, name, None, checked=True, ok=False, reason=str(error))


def _verify_isolated(
    isolation: Isolation, bundle: Bundle, name: str, file: str, quantization: str
) -> ArtifactVerification:
    """Verify in another process; its end is a finding too."""
    try:
        return isolation.run(_verify, bundle, name, file, quantization)
    except EngineError as error:
        return ArtifactVerification(file, quantization, name, None, checked=True, ok=False, reason=str(error))


def _replay(bundle: Bundle, engine: Engine) -> ArtifactVerification:
    """Run the golden windows forwards, backwards, twice, and one by one."""
    windows = bundle.golden["windows"]
    recorded, tolerance = _recorded(bundle, engine)
    limits = limits_of(engine.quantization)
    outputs = engine.predict(windows)
    backwards = engine.predict(windows[::-1])[::-1]
    twice = engine.predict(np.repeat(windows, 2, axis=0))
    singly = np.concatenate([engine.predict(windows[index : index + 1]) for index in range(len(windows))])
    found = agreement(outputs, oracle_outputs(bundle, windows))
    deviation = largest_error(outputs, recorded)
    order_matters = max(largest_error(outputs, other) for other in (backwards, twice[::2], twice[1::2])) > ROUNDING
    batch_matters = largest_error(outputs, singly) > ROUNDING
    reasons = found.problems(limits)
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


def _recorded(bundle: Bundle, engine: Engine) -> tuple[NDArray[Any], float]:
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
