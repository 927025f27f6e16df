"""The model card: the manifest, written for people (after Mitchell et al., Model Cards for Model Reporting, 2019)."""

import re
from typing import Any, Final

from edgehar.models.bundle.consistency import UNIT
from edgehar.models.bundle.manifest import Manifest, MetricsEntry
from edgehar.models.bundle.tasks import MULTICLASS

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>|#])")


def model_card(manifest: Manifest) -> str:
    """Return the card as Markdown; every figure in it is one of the manifest's."""
    architecture, window, origin = manifest.architecture, manifest.window, manifest.provenance
    parts = [
        f"# {_escaped(manifest.model_id)}",
        f"{_escaped(architecture.name)}, {architecture.parameter_count:,} parameters, {_what_it_does(manifest)} "
        f"({window.length / window.rate_hz:g} s at {window.rate_hz:g} Hz).",
        _fitted(origin.configuration.get("personalized")),
        "" if origin.complete else "**Training was interrupted: these are the best weights until then.**",
        "## Input",
        f"Channels {_escaped(', '.join(window.channels))} in {window.unit}, raw: normalisation is inside the compiled "
        f"model. Axes: {_escaped(window.axis_frame)}. Worn: {_escaped(window.mounting)}.",
        "## Labels",
        _escaped(", ".join(manifest.labels)),
        "## Measured",
        _metrics_table(manifest.metrics),
        _intervals(origin.configuration.get("metrics_from")),
        _robustness(origin.configuration.get("robustness")),
        "## Artifacts",
        _artifacts_table(manifest),
        "## Training data",
        f"{_escaped(origin.dataset)} (sha256 {_escaped(origin.dataset_sha256[:16])}). "
        f"Terms: {_escaped(origin.dataset_terms)}",
        "## Intended use",
        "Labels of everyday movements for the wearer, on their own device, from a sensor that is mounted as said under "
        "Input."
        if window.unit == UNIT
        else "What its maker says; it was imported or trained for a signal of its own.",
        "## Limits",
        "Accuracy on other people, other wearing positions and other sensors is not known until it is measured there. "
        f"The label is always one of those above{_or_unknown(manifest)}: movements it was not trained on get one of "
        "them too. "
        "Not a medical device.",
        "## Made",
        f"{_escaped(origin.created_utc)}, seed {origin.seed}, "
        + ", ".join(_escaped(f"{name} {version}") for name, version in origin.versions.items())
        + ".",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what_it_does(manifest: Manifest) -> str:
    """Return what it makes of what, as a clause."""
    window, count = manifest.window, len(manifest.labels)
    made = {MULTICLASS: f"tells {count} {'activities' if window.unit == UNIT else 'labels'} apart from"}.get(
        manifest.task, f"gives {count} outputs ({manifest.task}) of"
    )
    of = "acceleration" if window.unit == UNIT else f"{len(window.channels)} features"
    every = ", for every step," if len(manifest.architecture.output_shape) > 1 else ""
    return f"{made} {window.length} samples of {of}{every}"


def _fitted(personalized: Any) -> str:
    """Return the sentence of a model that was fitted to one person."""
    if not isinstance(personalized, dict) or not isinstance(personalized.get("person"), dict):
        return ""
    person, origin = personalized["person"], personalized.get("model_id")
    return (
        f"**Fitted to {_escaped(str(person.get('subject')))} of {_escaped(str(person.get('dataset')))}**, from "
        f"{_escaped(str(origin))}: it knows nobody else as well."
    )


def _metrics_table(metrics: tuple[MetricsEntry, ...]) -> str:
    """Return one row per measurement."""
    if not metrics:
        return "Nothing yet: run `har evaluate`."
    head = "| protocol | engine | artifact | windows | accuracy | macro-F1 |\n|---|---|---|---:|---:|---:|"
    rows = [
        f"| {_escaped(entry.protocol)} | {_escaped(entry.engine)} | {_escaped(entry.artifact)} | {entry.windows:,} "
        f"| {entry.accuracy:.3f} | {entry.macro_f1:.3f} |"
        for entry in metrics
    ]
    return "\n".join([head, *rows])


def _or_unknown(manifest: Manifest) -> str:
    """Return what a label may be beside the model's, as a clause."""
    return ", or unknown where the decoder is unsure" if manifest.decoder.reject_below > 0 else ""


def _intervals(reference: Any) -> str:
    """Return where macro-F1 of other people would lie, as the run says that a released model has its figures from."""
    found = reference.get("intervals") if isinstance(reference, dict) else None
    pairs = found.items() if isinstance(found, dict) else ()
    known = [
        f"{_escaped(str(kind).replace('_', ' '))} {pair[0]:.3f} to {pair[1]:.3f}"
        for kind, pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, float) for end in pair)
    ]
    if not known:
        return ""
    listed = ", ".join(known)
    return (
        "On streams of other people like these, macro-F1 of windows that hold one activity would lie within (90 %, "
        f"bootstrap over people): {listed}."
    )


def _robustness(found: Any) -> str:
    """Return macro-F1 by what went otherwise than in the recordings; nothing where it was not measured."""
    rows = found.items() if isinstance(found, dict) else ()
    known = [(name, value) for name, value in rows if isinstance(value, float)]
    if not known:
        return ""
    table = "\n".join(f"| {_escaped(str(name))} | {value:.3f} |" for name, value in known)
    return (
        "Robustness: macro-F1 of the same windows of people never seen, as recorded and as another mounting or sensor "
        f"would give them.\n\n| windows | macro-F1 |\n|---|---:|\n{table}"
    )


def _artifacts_table(manifest: Manifest) -> str:
    """Return one row per compiled file."""
    head = "| file | format | quantization | route | bytes |\n|---|---|---|---|---:|"
    rows = []
    for entry in manifest.artifacts:
        texts = map(_escaped, (entry.file, entry.format, entry.quantization, entry.route))
        rows.append(f"| {' | '.join(texts)} | {entry.bytes:,} |")
    return "\n".join([head, *rows])


def _escaped(text: str) -> str:
    """Return text of the manifest as Markdown that shows it as it is; underscores inside words need no mark."""
    return re.sub(r"(?<=\w)\\_(?=\w)", "_", _MARKUP.sub(r"\\\1", text))
