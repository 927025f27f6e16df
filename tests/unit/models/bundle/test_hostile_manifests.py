"""Texts that steer what shows them, and numbers beyond what can be meant, are refused with one sentence."""

import contextlib
import io
import json
import tracemalloc
import zipfile
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import Architecture, Dense, Flatten
from edgehar.models.bundle import read_bundle
from edgehar.models.bundle.manifest import PushSpec
from edgehar.models.bundle.manifest_json import manifest_from_json
from edgehar.models.bundle.npz import read_npz, write_npz
from edgehar.models.decoder import Decoder
from edgehar.models.engines import load_engine
from edgehar.models.errors import BundleError, HarError
from edgehar.models.foreign_text import unprintable
from edgehar.models.verification import verify_bundle

STEERING = ["a\x1b]0;x\x07", "a\nb", "a\rb", "\u202ea", "\ud800", "a\x00", "a\u2028"]


def at(data, path):
    for key in path:
        data = data[key]
    return data


def put(data, path, value):
    at(data, path[:-1])[path[-1]] = value


@pytest.fixture
def data(model):
    """A manifest as JSON data."""
    return json.loads(json.dumps(model.manifest.to_json()))


@pytest.mark.parametrize("text", STEERING)
@pytest.mark.parametrize(
    "path",
    [
        ("labels", 0),
        ("model_id",),
        ("window", "channels", 0),
        ("window", "mounting"),
        ("architecture", "name"),
        ("architecture", "layers", 0, "name"),
        ("provenance", "dataset"),
    ],
)
def test_texts_that_steer_are_refused(data, path, text):
    put(data, path, text)
    with pytest.raises(BundleError, match=r"characters that can be shown, got the character U\+|expected") as caught:
        manifest_from_json(data)
    assert unprintable(str(caught.value)) is None


def test_keys_are_texts_too(data):
    data["provenance"]["versions"]["a\x1b"] = "1"
    with pytest.raises(BundleError, match=r"provenance: versions: a key .* U\+001B"):
        manifest_from_json(data)


def test_terms_have_lines_and_configurations_lists(data):
    data["provenance"]["dataset_terms"] = "One.\n\tTwo.\n" * 200
    data["provenance"]["configuration"] = {"a\nb": [{"c": "d\te"}, None, 1.5, True]}
    assert manifest_from_json(data).provenance.dataset_terms.startswith("One.\n")
    data["provenance"]["configuration"] = {"a": ["\x1b"]}
    with pytest.raises(BundleError, match=r"provenance: configuration .* U\+001B"):
        manifest_from_json(data)


def test_endless_depth_and_length_are_refused(data):
    deep: list = []
    for _ in range(500):
        deep = [deep]
    for key, value in (("configuration", {"a": deep}), ("dataset", "x" * 1001)):
        with pytest.raises(BundleError, match=r"got (more than 32 levels|1,001 characters)"):
            manifest_from_json({**data, "provenance": {**data["provenance"], key: value}})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("window", "hop"), 1_000_001, "expected a hop from 1 to 1,000,000"),
        (("window", "hop"), 10**30, "64 bits"),
        (("window", "rate_hz"), 1e9, "expected a rate from"),
        (("window", "rate_hz"), 1e-9, "expected a rate from"),
        (("decoder", "smoothing_windows"), 2**40, "smoothing over"),
        (("decoder", "minimum_dwell_windows"), 2**40, "a dwell"),
        (("architecture", "window"), 65_537, "a count from 1 to 65,536"),
        (("architecture", "layers", 0, "units"), 65_536, "numbers in one layer"),
        (("weights", "file"), "other.npz", r"expected the weights in weights.npz, got 'other.npz'"),
        (("golden", "file"), "weights2.npz", "expected the golden in golden.npz"),
    ],
)
def test_numbers_and_names_beyond_what_can_be_meant(data, path, value, said):
    put(data, path, value)
    with pytest.raises(BundleError, match=said):
        manifest_from_json(data)


@pytest.mark.parametrize("kind", ["bzip2", "lzma"])
def test_methods_that_cannot_be_bounded_are_refused(kind):
    buffer = io.BytesIO()
    method = {"bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}[kind]
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.npy", bytes(1000))
    with pytest.raises(BundleError, match="packed by method"):
        read_npz(buffer.getvalue(), where="weights.npz")


def test_a_directory_that_lies_is_unpacked_no_further_than_it_says():
    """50 MB of zeros that claim to be 100 bytes must cost hundreds of kilobytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(50_000_000))
    content = buffer.getvalue().replace((50_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    tracemalloc.start()
    with pytest.raises(BundleError):
        read_npz(content, where="weights.npz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_long_list_of_members_is_not_read():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(12_500):
            archive.writestr(f"{number:040}", b"")
    with pytest.raises(BundleError, match=r"list of members has more than 1,048,576 bytes"):
        read_npz(buffer.getvalue(), where="golden.npz")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), at=st.integers(0, 2000), value=st.binary(min_size=1, max_size=8))
def test_no_npz_escapes_as_another_exception(content, at, value):
    whole = bytearray(write_npz({"windows": np.zeros((2, 3), np.float32), "oracle": np.ones(4, np.float32)}))
    at = min(at, len(whole) - 1)
    whole[at : at + len(value)] = value
    for each in (content, bytes(whole)):
        with contextlib.suppress(BundleError):
            assert sum(array.nbytes for array in read_npz(each, where="x.npz").values()) < 1000


def test_a_lone_surrogate_in_a_saved_bundle_is_a_sentence(folder, edit):
    edit(folder, lambda data: data["labels"].__setitem__(0, "\ud800"))
    with pytest.raises(BundleError, match=r"U\+D800"):
        read_bundle(folder)


def _places(value, path=()):
    """Return the path of everything inside a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(place for key, item in entries for place in _places(item, (*path, key)))]


NUMBERS = [0, -1, 1, 2, 255, 65_536, 2**31, 2**63, 10**40, 0.0, -0.0, 1e-308, 1e308, -1e308, 5e-324]
OTHERS = [True, None, "", "x", "a\x1b", "\ud800", "../x", "weights.npz", [], {}, [[]], ["x"] * 12, [0.5] * 3, {"a": {}}]
EXTREME = st.sampled_from([*NUMBERS, *OTHERS])


@pytest.fixture(scope="module")
def small(random_bundle):
    """A bundle that is read and verified in a moment."""
    return random_bundle(Architecture("small", 4, 3, (Flatten("Flat"), Dense("Output", 3, "softmax"))))


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_whatever_a_manifest_says_only_sentences_come_back(data, small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("altered") / "bundle"
    small.save(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    if data.draw(st.booleans()):
        push = PushSpec(manifest["labels"][0], manifest["labels"][1])
        manifest["decoder"] |= {"push": asdict(push), "stay_probability": 0.9, "temperature": 1.25}
    for path in data.draw(st.lists(st.sampled_from(_places(manifest)), min_size=1, max_size=3)):
        with contextlib.suppress(KeyError, IndexError, TypeError):
            put(manifest, path, data.draw(EXTREME))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    try:
        found = read_bundle(folder)
        verify_bundle(found, ["numpy"])
        load_engine(found, "numpy").predict(np.zeros((2, 4, 3)))
        decoder = Decoder.of_model(found.manifest)
        decoder.decode(np.full(3, 1 / 3), int(decoder.watch(np.ones((4, 3)))[-1]))
        found.save(folder)
        assert read_bundle(folder).manifest == found.manifest
    except HarError as refused:
        said = str(refused)
    else:
        said = ""
    assert unprintable(said.replace(str(folder), "")) is None
    assert len(said) < 2000


def test_a_large_zip_s_second_end_is_refused_wherever_the_first_one_stands():
    """Python believes the second end, whatever length the first one gives."""
    whole = write_npz({"a": np.zeros(3, np.float32)})
    end = whole.rindex(b"PK\x05\x06")
    locator = b"PK\x06\x07" + bytes(16)
    read_npz(whole, where="x.npz")
    with pytest.raises(BundleError, match="list of members has more than"):
        read_npz(whole[:end] + locator + whole[end:], where="x.npz")
    commented = whole[:-2] + (5).to_bytes(2, "little") + b"hello"
    assert read_npz(commented, where="x.npz")["a"].shape == (3,)
    with pytest.raises(BundleError, match="list of members has more than"):
        read_npz(commented[:end] + locator + commented[end:], where="x.npz")
