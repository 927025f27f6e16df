"""Which kind of file a foreign model is, and what to say to those that cannot be read."""

import hashlib
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.hdf5 import SIGNATURE
from edgehar.pipeline.importers.keras_file import KerasModel, read_keras_hdf5, read_keras_zip

MAXIMUM_FILE_BYTES: Final = 512 * 2**20
"""Bytes of a model's file: its weights, and what an optimizer left beside them."""

_ZIP: Final = b"PK\x03\x04"
_KINDS: Final = "expected a .keras file, an .h5 file of a whole model, or an .onnx file"
_SAVED_MODEL: Final = ("saved_model.pb", "saved_model.pbtxt", "keras_metadata.pb")
_PICKLES: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """The bytes of a foreign model, and the name that messages call it by."""

    where: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.content).hexdigest()


def read_source(path: Path) -> SourceFile:
    """Read a file, held to a size.

    Raises
    ------
    ModelFileError
        If there is no such file, it is a folder, no plain file, or too large.
    """
    where = printable(str(path), 200)
    if not path.exists():
        raise ModelFileError(f"{where}: {_KINDS}, found nothing", next_step="Check the path.")
    if path.is_dir():
        raise ModelFileError(f"{where}: {_KINDS}, got {_of_folder(path)}", next_step=_advice_for_folder(path))
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ModelFileError(f"{where}: {_KINDS}, got something that is no plain file")
    if found.st_size > MAXIMUM_FILE_BYTES:
        raise ModelFileError(
            f"{where}: expected a file of at most {MAXIMUM_FILE_BYTES:,} bytes, it has {found.st_size:,}",
            next_step="Save the model without its optimizer: model.save('my.keras', include_optimizer=False).",
        )
    with path.open("rb") as stream:
        return SourceFile(where, stream.read(MAXIMUM_FILE_BYTES))


def keras_reader(source: SourceFile) -> Callable[..., KerasModel] | None:
    """Return what reads a file of Keras; None for an ONNX file.

    Raises
    ------
    ModelFileError
        If it is of another kind.
    """
    content, suffix = source.content, Path(source.where).suffix.lower()
    if content.startswith(SIGNATURE):
        return read_keras_hdf5
    if content.startswith(_ZIP):
        if b"data.pkl" in content[:4096] or suffix in (".pt", ".pth"):
            raise _refused(source, "a file of PyTorch", "Export it with torch.onnx.export and import the .onnx file.")
        return read_keras_zip
    if content[4:8] == b"TFL3":
        raise _refused(source, "a compiled .tflite file", "Import the Keras model that it was made from.")
    if content.startswith(_PICKLES):
        raise _refused(source, "a pickle, which is code", "Save the model with model.save('my.keras').")
    if suffix == ".onnx":
        return None
    raise _refused(source, "something else", "Save the model with model.save('my.keras').")


def _refused(source: SourceFile, got: str, advice: str) -> ModelFileError:
    """Return the error of a file of another kind."""
    return ModelFileError(f"{source.where}: {_KINDS}, got {got}", next_step=advice)


def _of_folder(path: Path) -> str:
    """Return what a folder is."""
    if any((path / name).exists() for name in _SAVED_MODEL):
        return "the folder of a SavedModel"
    return "a bundle" if (path / "manifest.json").exists() else "a folder"


def _advice_for_folder(path: Path) -> str:
    """Return what to do about a folder."""
    if (path / "keras_metadata.pb").exists():
        return (
            "In the TensorFlow that wrote it, run: "
            "tf.keras.models.load_model('FOLDER').save('my.keras'), then import my.keras."
        )
    if any((path / name).exists() for name in _SAVED_MODEL):
        return (
            "A SavedModel holds functions and not layers: in the program that made it, save the model itself with "
            "model.save('my.keras'), then import my.keras."
        )
    return "A bundle is compiled with har compile." if (path / "manifest.json").exists() else "Name a file."
