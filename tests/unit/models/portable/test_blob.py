"""The model blob: what goes in comes out, and nothing else comes out."""

import contextlib
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.architecture import GRU, LSTM, Architecture, Branches, Dense, SimpleRNN, named_architecture
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import BundleError
from edgehar.models.portable.blob import HEADER, MAGIC, pack_model, unpack_model, version_of
from edgehar.models.portable.tables import CModel
from edgehar.models.zoo import released_bundle, released_names
from edgehar.pipeline.compilers.c99 import tables

ODD = Architecture(
    "odd",
    17,
    3,
    (
        SimpleRNN("a", 5, return_sequences=True),
        Dense("b", 3, "relu"),
        GRU("c", 7, return_sequences=True, reset_after=False),
        LSTM("d", 1),
        Dense("e", 3, "tanh"),
        Dense("f", 5, "softmax"),
    ),
)


def assert_same(left: CModel, right: CModel) -> None:
    """Hold two models to each other, array by array."""
    assert (left.window, left.channels, left.step_layers) == (right.window, right.channels, right.step_layers)
    assert len(left.layers) == len(right.layers)
    for one, other in zip(left.layers, right.layers, strict=True):
        assert (one.kind, one.fraction) == (other.kind, other.fraction)
        if one.kind == "dense":
            assert one.activation == other.activation
        for mine, yours in zip(one.matrices, other.matrices, strict=True):
            assert mine.shift == yours.shift
            for name in ("weights", "bias", "multipliers"):
                first, second = getattr(mine, name), getattr(yours, name)
                assert (first is None) == (second is None)
                if first is not None:
                    assert first.dtype == second.dtype
                    np.testing.assert_array_equal(first, second)


HEADS = [Architecture(head, 9, 2, (LSTM("a", 3), Dense("o", 2, head))) for head in ("sigmoid", "linear")]


@pytest.mark.parametrize("quantization", ["float32", "int8"])
@pytest.mark.parametrize("architecture", [ODD, named_architecture("gru"), *HEADS], ids=lambda it: it.name)
def test_a_model_survives_the_journey(architecture: Architecture, quantization: str, random_weights) -> None:
    model = tables(architecture, random_weights(architecture), quantization)
    blob = pack_model(model)
    assert_same(unpack_model(blob), model)
    assert pack_model(unpack_model(blob)) == blob
    assert blob[12] == version_of(model)


@pytest.mark.parametrize("file", ["model.float32.harc", "model.int8.harc"])
@pytest.mark.parametrize("name", released_names())
def test_released_models_stay_what_they_are(name: str, file: str) -> None:
    """What version 1 can hold is written as version 1: earlier engines take it, and its hash stays."""
    bundle = read_bundle(released_bundle(name))
    known_to_version_1 = all(
        isinstance(each, SimpleRNN | LSTM | GRU | Dense) for each in bundle.manifest.architecture.layers
    )
    blob = bundle.files[file]
    assert (blob[12] == 1) == known_to_version_1
    assert pack_model(unpack_model(blob)) == blob


def test_attention_needs_version_3_and_nothing_else_does(random_weights) -> None:
    blobs = {}
    for name in ("attention", "tcn"):
        architecture = named_architecture(name).deployed
        model = tables(architecture, random_weights(architecture), "int8")
        blobs[name] = pack_model(model)
        assert_same(unpack_model(blobs[name]), model)
    assert {name: blob[12] for name, blob in blobs.items()} == {"attention": 3, "tcn": 2}
    content = blobs["attention"][8:12] + b"\x02" + blobs["attention"][13:]
    with pytest.raises(BundleError, match=r"layer 3: a kind of .* got another code"):
        unpack_model(MAGIC + zlib.crc32(content).to_bytes(4, "little") + content)


def test_branches_need_version_4(random_weights) -> None:
    layers = (Branches("a", "sum", ((LSTM("b", 3, return_sequences=True),), ())), GRU("c", 2))
    vectors = Branches("d", "concat", ((Dense("e", 2, "relu"),), ()))
    architecture = Architecture("branches", 9, 3, (*layers, vectors, Dense("o", 2, "softmax")))
    model = tables(architecture, random_weights(architecture), "int8")
    blob = pack_model(model)
    found = unpack_model(blob)
    assert_same(found, model)
    assert blob[12] == version_of(model) == 4
    assert [layer.kind for layer in found.layers if layer.hands_last] == ["gru_reset_after"]
    assert [(layer.joins, layer.around_bits) for layer in found.layers] == [
        (layer.joins, layer.around_bits) for layer in model.layers
    ]
    content = blob[8:12] + b"\x03" + blob[13:]
    with pytest.raises(BundleError, match=r"layer 1: a kind of .* got another code"):
        unpack_model(MAGIC + zlib.crc32(content).to_bytes(4, "little") + content)


def test_samples_of_another_scale_need_version_2(random_weights) -> None:
    model = replace(tables(ODD, random_weights(ODD), "int8"), sample_bits=4)
    assert unpack_model(pack_model(model)).sample_bits == 4
    with pytest.raises(BundleError, match="0 to 15 bits below the point, got 16"):
        unpack_model(pack_model(replace(model, sample_bits=16)))


@pytest.fixture(scope="module")
def blob(random_weights) -> bytes:
    """A small integer model."""
    return pack_model(tables(ODD, random_weights(ODD), "int8"))


@settings(max_examples=60)
@given(data=st.data())
def test_a_blob_cut_or_altered_is_refused(blob: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(blob) - 1))
    with pytest.raises(BundleError):
        unpack_model(blob[:length])
    at = data.draw(st.integers(0, len(blob) - 1))
    flip = data.draw(st.integers(1, 255))
    with pytest.raises(BundleError):
        unpack_model(blob[:at] + bytes([blob[at] ^ flip]) + blob[at + 1 :])


@settings(max_examples=100)
@given(data=st.data())
def test_a_blob_made_to_do_harm_is_refused_or_read(blob: bytes, data: st.DataObject) -> None:
    """With a checksum that is right, any header: an error with a sentence, or a model, never another exception."""
    head = bytearray(blob[: HEADER.size + 6 * 44])
    for _ in range(data.draw(st.integers(1, 4))):
        head[data.draw(st.integers(8, len(head) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(head[8:]) + blob[len(head) :]
    harmful = MAGIC + zlib.crc32(content).to_bytes(4, "little") + content
    with contextlib.suppress(BundleError):
        unpack_model(harmful)
