"""The tables in a bundle's artifact for the C engine, held to the bundle's architecture before anything runs them."""

from typing import Final

from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry, TensorSpec
from edgehar.models.errors import BundleError
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.tables import FLOAT32, INT8, CModel, output_type

_SAMPLES: Final = {FLOAT32: "float32", INT8: "int16"}
"""Types of what goes in, by the quantization of the weights."""


def artifact_tables(bundle: Bundle, artifact: ArtifactEntry) -> CModel:
    """Return the tables of an artifact of format ``c``.

    Whoever runs them gives them memory by the architecture: a window of its samples, room for its classes. So the
    shapes and types in the manifest and those in the tables themselves must be the architecture's.

    Raises
    ------
    BundleError
        If the file is no model of the C engine, or it is a model of another shape or other numbers.
    """
    try:
        model = unpack_model(bundle.files[artifact.file])
    except BundleError as error:
        raise BundleError(f"{artifact.file}: {error.message}", next_step=error.next_step) from error
    for what, expected, got in (
        ("weights", artifact.quantization, model.quantization),
        ("input", *_of_input(bundle, artifact, model)),
        ("output", *_of_output(bundle, artifact, model)),
    ):
        if got != expected:
            raise BundleError(
                f"{artifact.file}: expected {what} of {expected}, as the architecture has them, got {got}",
                next_step="Compile the model again with `har compile --format c`.",
                file=artifact.file,
            )
    return model


def _of_input(bundle: Bundle, artifact: ArtifactEntry, model: CModel) -> tuple[str, str]:
    """Return the input that is expected, and the first that differs from it; else the same twice."""
    architecture = bundle.manifest.architecture
    dtype = _SAMPLES[model.quantization]
    return _first_other(
        (dtype, (1, architecture.window, architecture.channels)),
        artifact.input,
        (dtype, (1, model.window, model.channels)),
    )


def _of_output(bundle: Bundle, artifact: ArtifactEntry, model: CModel) -> tuple[str, str]:
    """Return the output that is expected, and the first that differs from it; else the same twice."""
    dtype = output_type(model)
    return _first_other(
        (dtype, (1, bundle.manifest.architecture.classes)), artifact.output, (dtype, (1, model.classes))
    )


_Tensor = tuple[str, tuple[int, ...]]


def _first_other(expected: _Tensor, claimed: TensorSpec, found: _Tensor) -> tuple[str, str]:
    """Return what is expected, and of the manifest's claim and the tables the first that differs, in words."""
    other = next((each for each in ((claimed.dtype, claimed.shape), found) if each != expected), expected)
    return _in_words(expected), _in_words(other)


def _in_words(tensor: _Tensor) -> str:
    """Return a tensor as a person reads it."""
    dtype, shape = tensor
    return f"{dtype} {' x '.join(map(str, shape))}"
