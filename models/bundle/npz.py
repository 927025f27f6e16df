"""Read a NumPy .npz strictly: known names, known shapes, no pickles, nothing allocated before its size is known."""

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.ziplimits import read_member, refuse_long_directory
from edgehar.models.errors import BundleError
from edgehar.models.foreign_text import printable

MAXIMUM_ARRAY_BYTES: Final = 64 * 2**20
"""Bytes all arrays of one file may take."""


def write_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of an uncompressed .npz; the same arrays always give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0)), member.getvalue())
    return buffer.getvalue()


def read_npz(content: bytes, *, where: str, most_bytes: int = MAXIMUM_ARRAY_BYTES) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz by name; all together may take ``most_bytes``.

    Raises
    ------
    BundleError
        If it is not an .npz, the arrays are larger than the cap, hold objects, or are not as long as they say.
    """
    try:
        stream = io.BytesIO(content)
        refuse_long_directory(stream)
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            _refuse_larger(members, where, most_bytes)
            return {member.filename.removesuffix(".npy"): _read_member(archive, member) for member in members}
    except BundleError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy's parser of headers raise whatever a damaged file leads to.
        raise BundleError(
            f"{where}: expected a NumPy .npz archive, got something else ({printable(str(error), 200)})",
            next_step="The file is damaged: train or download the bundle again.",
        ) from error


def _refuse_larger(members: list[zipfile.ZipInfo], where: str, most_bytes: int) -> None:
    """Refuse arrays that together unpack to more than the cap, before the first of them is unpacked."""
    total = sum(member.file_size for member in members)
    if total > most_bytes:
        raise BundleError(
            f"{where}: expected arrays of at most {most_bytes:,} bytes in all, they unpack to {total:,}",
            next_step="Do not use this file: it is damaged or made to exhaust memory.",
        )


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one array after checking that its header and its size agree."""
    content = read_member(archive, member, member.file_size + 1)
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f"array format version {version} is not known")
    shape, fortran_order, dtype = read_header[version](stream)
    if dtype.hasobject:
        raise ValueError("object arrays are not allowed")
    content = stream.read()
    if min(shape, default=0) < 0:
        raise ValueError(f"{member.filename} says {shape}")
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"{member.filename} says {shape} {dtype} and holds {len(content)} bytes")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")
