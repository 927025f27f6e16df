"""Reading .npz strictly: what is written comes back, what is damaged or made to do harm is refused in a sentence."""

import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgehar.models.bundle.npz import MAXIMUM_ARRAY_BYTES, read_npz, write_npz
from edgehar.models.errors import BundleError


def _zip(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _npy(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@given(
    st.dictionaries(
        st.text("abcXYZ_/.0", min_size=1).filter(lambda name: not name.endswith(".npy")),
        hnp.arrays(st.sampled_from([np.float32, np.int8, np.float64, ">i2", "bool"]), hnp.array_shapes(min_dims=0)),
        max_size=4,
    )
)
def test_what_is_written_comes_back(arrays):
    found = read_npz(write_npz(arrays), where="x.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_the_same_arrays_give_the_same_bytes_and_numpy_reads_them():
    arrays = {"layer/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "other": np.zeros(0, np.int8)}
    assert write_npz(arrays) == write_npz(arrays)
    with np.load(io.BytesIO(write_npz(arrays))) as loaded:
        np.testing.assert_array_equal(loaded["layer/kernel"], arrays["layer/kernel"])


def test_fortran_order_and_compression_are_read():
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    found = read_npz(_zip({"a.npy": _npy(array)}, zipfile.ZIP_DEFLATED), where="x.npz")
    np.testing.assert_array_equal(found["a"], array)


def test_nothing_is_ever_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    content = _zip({"a.npy": _npy(np.array([Bomb()], object), allow_pickle=True)})
    with pytest.raises(BundleError, match=r"expected a NumPy .npz archive"):
        read_npz(content, where="x.npz")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(BundleError):
        read_npz(_zip({"a.npy": pickle.dumps(Bomb())}), where="x.npz")
    assert not (tmp_path / "ran").exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    content = _zip({"a.npy": bytes(MAXIMUM_ARRAY_BYTES + 1)}, zipfile.ZIP_DEFLATED)
    assert len(content) < 200_000
    with pytest.raises(BundleError, match=r"at most 67,108,864 bytes in all, they unpack to 67,108,865"):
        read_npz(content, where="x.npz")


def test_many_small_bombs_are_one_large_bomb():
    content = _zip({f"{index}.npy": bytes(MAXIMUM_ARRAY_BYTES // 4) for index in range(5)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(BundleError, match="bytes in all"):
        read_npz(content, where="x.npz")


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"not an array",
        _npy(np.arange(4))[:-1],
        _npy(np.arange(4)) + b"\0",
        _npy(np.arange(4)).replace(b"(4,)", b"(9,)"),
        _npy(np.arange(4)).replace(b"(4,)", b"(-4)"),
        _npy(np.arange(4)).replace(b"<i8", b"|O "),
        b"\x93NUMPY\x09\x00" + _npy(np.arange(4))[8:],
    ],
    ids=["empty", "text", "short", "long", "more promised", "negative shape", "objects", "unknown version"],
)
def test_a_damaged_array_is_refused(member):
    with pytest.raises(BundleError, match=r"x\.npz: expected a NumPy \.npz archive"):
        read_npz(_zip({"a.npy": member}), where="x.npz")


@settings(max_examples=300)
@given(st.data())
def test_no_damage_ever_escapes_as_another_exception(data):
    arrays = {"a": np.arange(8, dtype=np.float32), "b": np.ones((3, 2), np.int8)}
    compression = data.draw(
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    )
    content = bytearray(_zip({f"{name}.npy": _npy(array) for name, array in arrays.items()}, compression))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        found = read_npz(bytes(content[:cut]) if data.draw(st.booleans()) else bytes(content), where="x.npz")
    except BundleError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())
