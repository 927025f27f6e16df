"""The bundle of a model fitted to a person: the general one's artifacts made again and verified, its origin told."""

import datetime
import importlib.util
import platform
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models import __version__
from edgehar.models.architecture.stateful import STATEFUL
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.errors import CompileError
from edgehar.models.mounting import Mounting, fold_mounting
from edgehar.models.stateful.trained import CARRIES_STATE, was_trained_to_carry
from edgehar.models.verification import verify_bundle
from edgehar.pipeline.compilers import Target, compile_bundle, compile_possible
from edgehar.pipeline.compilers.quantization.calibration import WINDOWS_PER_ACTIVITY
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import Indices, Windows, evenly_spread
from edgehar.pipeline.evaluation.held_out import TRAIN_PEOPLE, TRAIN_SUBJECTS, trained_people
from edgehar.pipeline.training.personalization.stages import Adaptation
from edgehar.pipeline.training.personalization.wearer import PERSONALIZED, Wearer
from edgehar.pipeline.training.trainers import NATIVE, trainer_versions

_ONNX: Final = ("onnx", STATEFUL["onnx"])
"""Formats that the package onnx writes."""

_HELD_OUT: Final = "held_out_subjects"


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A personal bundle, and what is to be said of its artifacts."""

    bundle: Bundle
    remarks: tuple[str, ...]


def personal_bundle(
    general: Bundle,
    adaptation: Adaptation,
    wearer: Wearer,
    dataset: Dataset,
    windows: Windows,
    indices: Indices,
    *,
    mounting: Mounting | None = None,
    seed: int = 0,
) -> Made:
    """Return the fitted model as a bundle with every artifact that the general one has and that can be made here.

    Parameters
    ----------
    general, adaptation, wearer
        What was fitted to whom, and how.
    dataset
        Where the recordings come from.
    windows, indices
        What was learned from, turned by the mounting already.
    mounting
        Folded into the first layer: the new model takes what this wearer's sensor gives.
    seed
        Of fine-tuning.

    Raises
    ------
    CompileError
        If an artifact cannot be made, or does not give what the model gives.
    """
    manifest = general.manifest
    weights, normalization, window = adaptation.weights, manifest.normalization, manifest.window
    if mounting is not None:
        weights, normalization = fold_mounting(manifest.architecture, weights, normalization, mounting)
        axes = f"the sensor's own axes as {wearer.subject} wears it, turned by {mounting.angle_deg:.0f}° in the model"
        window = replace(window, axis_frame=axes)
    plain = make_bundle(
        architecture=manifest.architecture,
        labels=manifest.labels,
        window=window,
        normalization=normalization,
        weights=weights,
        decoder=manifest.decoder,
        provenance=replace(
            manifest.provenance,
            seed=seed,
            created_utc=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            versions=_versions(adaptation),
            configuration=_configuration(general, adaptation, wearer, dataset, windows, indices, mounting),
        ),
    )
    wanted, remarks = _targets(general)
    calibration = _calibration(windows, indices)
    if mounting is not None:
        calibration = np.asarray(calibration @ mounting.of_channels(calibration.shape[2]), np.float32)
    block = _block(general)
    artifacts, impossible = compile_possible(plain, wanted, calibration=calibration, block=block)
    made = plain.with_artifacts(artifacts)
    wanted = [target for target in wanted if target not in [each.target for each in impossible]]
    remarks += [f"{each.target.format} {each.target.quantization} was left out: {each.reason}" for each in impossible]
    failed = _failures(made)
    if failed:
        # A lively state magnifies the rounding of float32 beyond what a file may be off by: that file is left out.
        wanted = [target for target in wanted if target not in failed]
        remarks += failed.values()
        made = compile_bundle(plain, wanted, calibration=calibration, block=block)
        _require_some(made, failed)
    there = {entry.file for entry in made.manifest.artifacts}
    lost = [
        entry
        for entry in manifest.artifacts
        if entry.file not in there and Target(entry.format, entry.quantization) in wanted
    ]
    remarks += [f"{entry.file} was not made again: it is of another converter ({entry.route})." for entry in lost]
    return Made(made, tuple(remarks))


def _targets(general: Bundle) -> tuple[list[Target], list[str]]:
    """Return what to compile to, and what cannot be made here."""
    wanted = list(dict.fromkeys(Target(entry.format, entry.quantization) for entry in general.manifest.artifacts))
    if importlib.util.find_spec("onnx") is None and any(target.format in _ONNX for target in wanted):
        kept = [target for target in wanted if target.format not in _ONNX]
        return kept, ["The ONNX files were not made again: the package onnx is not installed."]
    return wanted, []


def _block(general: Bundle) -> int:
    """Return how many samples the TFLite file takes at once that carries state."""
    entries = [entry for entry in general.manifest.artifacts if entry.format == STATEFUL["tflite"]]
    return next((entry.input.shape[1] for entry in entries if len(entry.input.shape) > 1), 1)


def _calibration(windows: Windows, indices: Indices) -> NDArray[np.float32]:
    """Return windows of every activity recorded, which integers take their scales from."""
    labels = windows.labels[indices]
    chosen = [evenly_spread(indices[labels == label], WINDOWS_PER_ACTIVITY) for label in np.unique(labels)]
    return windows.batch(np.concatenate(chosen))


def _failures(made: Bundle) -> dict[Target, str]:
    """Return the artifacts that do not give what the model gives, each with a sentence."""
    targets = {entry.file: Target(entry.format, entry.quantization) for entry in made.manifest.artifacts}
    return {
        targets[row.artifact]: f"{row.artifact} was left out: {row.engine} gives something else ({row.reason})."
        for row in (verify_bundle(made).artifacts if targets else ())
        if not row.ok and row.artifact in targets
    }


def _require_some(made: Bundle, failed: dict[Target, str]) -> None:
    """Refuse a model none of whose artifacts gives what it gives."""
    if not made.manifest.artifacts:
        raise CompileError(
            f"expected artifacts that give what the model gives, got none: {' '.join(failed.values())}",
            next_step="Nothing was written. Compile the general model again, or add another artifact to it.",
        )


def _versions(adaptation: Adaptation) -> dict[str, str]:
    """Return the versions that decide what weights come out."""
    own = {"edgehar": __version__, "python": platform.python_version(), "numpy": np.__version__}
    tuned = any(stage.macro_f1 is not None for stage in adaptation.stages[2:3])
    return {**own, **(trainer_versions(NATIVE) if tuned else {})}


def _configuration(
    general: Bundle,
    adaptation: Adaptation,
    wearer: Wearer,
    dataset: Dataset,
    windows: Windows,
    indices: Indices,
    mounting: Mounting | None,
) -> dict[str, Any]:
    """Return what the bundle keeps of its making: all that the general one keeps, and who it was fitted to."""
    manifest = general.manifest
    before = manifest.provenance.configuration
    seconds = {
        windows.activities[label]: round(_seconds(windows, indices[windows.labels[indices] == label]), 1)
        for label in np.unique(windows.labels[indices]).tolist()
    }
    fitted = {
        "model_id": manifest.model_id,
        "person": wearer.person.as_json(),
        "dataset": dataset.name,
        "dataset_sha256": dataset.content_hash,
        "seconds": seconds,
        "stages": [{"name": stage.name, "macro_f1": stage.macro_f1, "kept": stage.kept} for stage in adaptation.stages],
        "mounting": None if mounting is None else [list(row) for row in mounting.rotation],
    }
    people = [person.as_json() for person in trained_people(general, needed=False)]
    changed: dict[str, Any] = {PERSONALIZED: fitted, TRAIN_PEOPLE: [*people, wearer.person.as_json()]}
    if dataset.name == manifest.provenance.dataset:
        trained, held_out = (list(before.get(key, ())) for key in (TRAIN_SUBJECTS, _HELD_OUT))
        changed[TRAIN_SUBJECTS] = list(dict.fromkeys([*trained, wearer.subject]))
        changed[_HELD_OUT] = [name for name in held_out if name != wearer.subject]
    if was_trained_to_carry(manifest):
        changed[CARRIES_STATE] = False  # it was fitted to windows, and judged on them
    return {**before, **changed}


def _seconds(windows: Windows, indices: Indices) -> float:
    """Return how many seconds some windows cover, each second once."""
    starts = np.sort(windows.starts[indices])
    new = np.minimum(np.diff(starts), windows.window_length).sum() + windows.window_length if len(starts) else 0
    return float(new) / windows.rate_hz
