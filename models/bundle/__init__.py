"""Write, read and check a bundle: one folder (or a zip of it) that holds a model and everything needed to trust it.

::

    manifest.json       what the model is, and the size and hash of every other file
    weights.npz         trained weights in Keras layout, for normalised input
    model.*.tflite ...  compiled artifacts; they take raw g
    golden.npz          artificial raw windows, the oracle's outputs, and the outputs expected of every artifact
    MODEL_CARD.md       the manifest, for people
    plots/              pictures of training and evaluation, where there are any; no hash covers them
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.bundle.card import model_card
from edgehar.models.bundle.consistency import check_manifest
from edgehar.models.bundle.container import MANIFEST, FolderSource, ZipSource, open_source
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.bundle.manifest import (
    SCHEMA_MAJOR,
    SCHEMA_MINOR,
    ArtifactEntry,
    DecoderSpec,
    FileEntry,
    Manifest,
    MetricsEntry,
    Provenance,
    TensorSpec,
    WindowSpec,
)
from edgehar.models.bundle.manifest_json import manifest_from_json
from edgehar.models.bundle.npz import read_npz, write_npz
from edgehar.models.errors import BundleError
from edgehar.models.files import atomic_folder
from edgehar.models.normalization import Normalization, fold_normalization
from edgehar.models.reference import forward

WEIGHTS: Final = "weights.npz"
GOLDEN: Final = "golden.npz"
CARD: Final = "MODEL_CARD.md"
PLOTS: Final = "plots"
MAXIMUM_MANIFEST_BYTES: Final = 2**20
MAXIMUM_FILE_BYTES: Final = 64 * 2**20
_PLAIN_NAME: Final = re.compile(r"[\w-][\w.-]*", re.ASCII)
FLOAT_TOLERANCE: Final = 1e-5
"""Largest difference of a probability that a float engine may show from the oracle."""


@dataclass(frozen=True, slots=True)
class CompiledArtifact:
    """What a compiler returns: the file and what its reader must know.

    ``expected`` (n_golden, n_classes) are the outputs `verify` holds a quantized artifact to, recorded where it was
    made; None for float artifacts, which are held to the oracle. ``tolerance`` is the largest difference accepted.
    """

    file: str
    format: str
    quantization: str
    route: str
    input: TensorSpec
    output: TensorSpec
    content: bytes
    expected: NDArray[np.float32] | None = None
    tolerance: float = FLOAT_TOLERANCE


@dataclass(frozen=True)
class Bundle:
    """A model in memory: its manifest and its files, already checked against each other."""

    manifest: Manifest
    files: Mapping[str, bytes] = field(repr=False)
    location: Path | None = None

    @cached_property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Trained weights in Keras layout, for normalised input."""
        arrays = read_npz(self.files[WEIGHTS], where=WEIGHTS)
        expected = self.manifest.architecture.weight_shapes()
        found = {name: array.shape for name, array in arrays.items()}
        if found != expected:
            different = sorted(name for name in expected | found if expected.get(name) != found.get(name))
            raise BundleError(
                f"{WEIGHTS}: expected the weights of {self.manifest.architecture.name}, "
                f"these differ in name or shape: {', '.join(different)}",
                next_step="The bundle mixes two models: train it again.",
            )
        broken = [name for name, array in arrays.items() if array.dtype != np.float32 or not np.isfinite(array).all()]
        if broken:
            raise BundleError(
                f"{WEIGHTS}: expected finite float32 numbers, got something else in {', '.join(broken)}",
                next_step="The file was not made by edgehar: train the model again.",
            )
        return arrays

    @cached_property
    def folded_weights(self) -> dict[str, NDArray[np.float32]]:
        """Weights with the normalisation folded in: they take raw g."""
        return fold_normalization(self.manifest.architecture, self.weights, self.manifest.normalization)

    @cached_property
    def golden(self) -> dict[str, NDArray[Any]]:
        """Arrays ``windows``, ``oracle`` and, for every artifact file, its expected outputs."""
        arrays = read_npz(self.files[GOLDEN], where=GOLDEN)
        architecture = self.manifest.architecture
        windows, oracle = (arrays.get(name, np.empty(0)) for name in ("windows", "oracle"))
        shapes = (len(windows), architecture.window, architecture.channels), (len(windows), architecture.classes)
        if (windows.shape, oracle.shape) != shapes or not len(windows):
            raise BundleError(
                f"{GOLDEN}: expected windows and the oracle's outputs for them, "
                f"got arrays of shapes {windows.shape} and {oracle.shape}",
                next_step="The bundle mixes two models: train it again.",
            )
        return arrays

    def with_artifacts(self, artifacts: Sequence[CompiledArtifact]) -> "Bundle":
        """Return a bundle that holds these artifacts too; one with the same file name is replaced."""
        names = {artifact.file for artifact in artifacts}
        kept = tuple(entry for entry in self.manifest.artifacts if entry.file not in names)
        golden = {name: array for name, array in self.golden.items() if name not in names}
        for artifact in artifacts:
            golden[artifact.file] = golden["oracle"] if artifact.expected is None else artifact.expected
        files = {**self.files, **{artifact.file: artifact.content for artifact in artifacts}, GOLDEN: write_npz(golden)}
        manifest = replace(
            self.manifest,
            artifacts=kept + tuple(_artifact_entry(artifact) for artifact in artifacts),
            golden=_file_entry(GOLDEN, files[GOLDEN]),
        )
        return replace(self, manifest=manifest, files=files)

    def with_metrics(self, metrics: Sequence[MetricsEntry]) -> "Bundle":
        """Return a bundle with these metrics added; one of the same protocol, engine and artifact is replaced."""

        def key(entry: MetricsEntry) -> tuple[str, str, str]:
            return entry.protocol, entry.engine, entry.artifact

        fresh = {key(entry) for entry in metrics}
        kept = tuple(entry for entry in self.manifest.metrics if key(entry) not in fresh)
        return replace(self, manifest=replace(self.manifest, metrics=kept + tuple(metrics)))

    def with_decoder(self, decoder: DecoderSpec) -> "Bundle":
        """Return a bundle whose stream of posteriors is decoded in another way.

        Raises
        ------
        BundleError
            If the decoder does not fit the model.
        """
        manifest = replace(self.manifest, schema=f"{SCHEMA_MAJOR}.{SCHEMA_MINOR}", decoder=decoder)
        check_manifest(manifest)
        return replace(self, manifest=manifest)

    def save(self, path: Path, *, plots: Mapping[str, bytes] | None = None) -> "Bundle":
        """Write the bundle as a folder, whole or not at all, and return it as found there.

        Parameters
        ----------
        path
            See `check_destination`.
        plots
            What the folder ``plots`` holds, by file name. By default, what it holds where the bundle was read.
        """
        check_destination(path)
        pictures = self.plots() if plots is None else plots
        with atomic_folder(path) as folder:
            manifest_text = json.dumps(self.manifest.to_json(), indent=2, ensure_ascii=False)
            (folder / MANIFEST).write_text(manifest_text + "\n", encoding="utf-8")
            (folder / CARD).write_text(model_card(self.manifest), encoding="utf-8")
            for name, content in self.files.items():
                (folder / name).write_bytes(content)
            if pictures:
                (folder / PLOTS).mkdir()
            for name, content in pictures.items():
                (folder / PLOTS / name).write_bytes(content)
        return replace(self, location=path)

    def plots(self) -> dict[str, bytes]:
        """Return the files of the folder ``plots`` where the bundle was read; none of one in memory or in a zip."""
        plots = self.location / PLOTS if self.location is not None else None
        if plots is None or not plots.is_dir():
            return {}
        return {file.name: file.read_bytes() for file in sorted(plots.iterdir()) if file.is_file()}


def check_destination(path: Path) -> None:
    """Refuse a place where a bundle cannot be written without destroying something else.

    Raises
    ------
    BundleError
        If something other than a bundle stands there.
    """
    if path.exists() and not (path / MANIFEST).is_file():
        raise BundleError(
            f"{path}: expected a new name or an existing bundle, got something else",
            next_step="Choose another --out.",
            path=path,
        )


def make_bundle(
    *,
    architecture: Architecture,
    labels: Sequence[str],
    window: WindowSpec,
    normalization: Normalization,
    weights: Mapping[str, NDArray[np.float32]],
    decoder: DecoderSpec,
    provenance: Provenance,
) -> Bundle:
    """Return a bundle of a trained model, as yet without artifacts and metrics.

    Raises
    ------
    BundleError
        If a weight is not finite.
    """
    broken = [name for name, value in weights.items() if not np.all(np.isfinite(value))]
    if broken:
        raise BundleError(
            f"weights: expected finite numbers, got NaN or infinity in {', '.join(broken)}",
            next_step="Training diverged: train again with a lower learning rate.",
        )
    ordered = {name: np.asarray(weights[name], np.float32) for name in architecture.weight_shapes()}
    weight_bytes = write_npz(ordered)
    windows = golden_windows(architecture.window, architecture.channels)
    oracle = forward(architecture, fold_normalization(architecture, ordered, normalization), windows)
    golden_bytes = write_npz({"windows": windows, "oracle": oracle.astype(np.float32)})
    manifest = Manifest(
        schema=f"{SCHEMA_MAJOR}.{SCHEMA_MINOR}",
        model_id=f"{architecture.name}-{hashlib.sha256(weight_bytes).hexdigest()[:12]}",
        architecture=architecture,
        labels=tuple(labels),
        window=window,
        normalization=normalization,
        weights=_file_entry(WEIGHTS, weight_bytes),
        golden=_file_entry(GOLDEN, golden_bytes),
        artifacts=(),
        decoder=decoder,
        metrics=(),
        provenance=provenance,
    )
    return Bundle(manifest, {WEIGHTS: weight_bytes, GOLDEN: golden_bytes})


def read_bundle(path: Path | str) -> Bundle:
    """Read a bundle from a folder or a zip of it, checking every size and hash.

    Raises
    ------
    BundleError
        If there is no bundle at ``path``, its schema is unknown, a key or file is missing, a file is larger than the
        cap or not the one the manifest was written for.
    """
    path = Path(path)
    source = open_source(path)
    manifest = manifest_from_json(_parse_manifest(source.read(MANIFEST, MAXIMUM_MANIFEST_BYTES), path))
    entries: list[FileEntry | ArtifactEntry] = [manifest.weights, manifest.golden, *manifest.artifacts]
    return Bundle(manifest, {entry.file: _checked(source, entry, path) for entry in entries}, path)


def _checked(source: FolderSource | ZipSource, entry: FileEntry | ArtifactEntry, path: Path) -> bytes:
    """Read one file and hold it to its entry."""
    if not _PLAIN_NAME.fullmatch(entry.file) or not 0 <= entry.bytes <= MAXIMUM_FILE_BYTES:
        raise BundleError(
            f"{path}: expected plain file names and at most {MAXIMUM_FILE_BYTES:,} bytes each, "
            f"got {entry.file!r} of {entry.bytes:,} bytes",
            next_step="Do not use this bundle: its manifest is damaged or made to do harm.",
        )
    content = source.read(entry.file, entry.bytes)
    digest = hashlib.sha256(content).hexdigest()
    if len(content) != entry.bytes or digest != entry.sha256:
        raise BundleError(
            f"{path / entry.file}: expected sha256 {entry.sha256[:12]}… of {entry.bytes:,} bytes, "
            f"got {digest[:12]}… of {len(content):,}",
            next_step="The file was changed after the bundle was written: train, compile or download it again.",
            file=entry.file,
        )
    return content


def _parse_manifest(content: bytes, path: Path) -> Any:
    """Parse JSON, naming the file when it is not."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{path / MANIFEST}: expected JSON, got something else ({str(error)[:80]})",
            next_step="The bundle is damaged: train or download it again.",
        ) from error


def _file_entry(name: str, content: bytes) -> FileEntry:
    """Return the manifest entry of a file."""
    return FileEntry(name, len(content), hashlib.sha256(content).hexdigest())


def _artifact_entry(artifact: CompiledArtifact) -> ArtifactEntry:
    """Return the manifest entry of a compiled artifact."""
    plain = _file_entry(artifact.file, artifact.content)
    return ArtifactEntry(
        file=artifact.file,
        format=artifact.format,
        quantization=artifact.quantization,
        route=artifact.route,
        input=artifact.input,
        output=artifact.output,
        tolerance=artifact.tolerance,
        bytes=plain.bytes,
        sha256=plain.sha256,
    )
