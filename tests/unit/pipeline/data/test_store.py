"""The store gives back what was put in, and refuses what is not one."""

import contextlib
import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.store import load_store, save_store


@pytest.fixture
def store(tmp_path: Path, small_dataset: Dataset) -> Path:
    path = tmp_path / "store"
    save_store(small_dataset, path)
    return path


def _rewrite(store: Path, **changes: Any) -> None:
    index = json.loads((store / "index.json").read_text())
    for key, value in changes.items():
        if value is None:
            del index[key]
        else:
            index[key] = value
    (store / "index.json").write_text(json.dumps(index))


def test_round_trip_keeps_everything(store: Path, small_dataset: Dataset) -> None:
    opened = load_store(store)
    for field in ("name", "activities", "problems", "notes", "terms", "content_hash"):
        assert getattr(opened, field) == getattr(small_dataset, field)
    for was, now in zip(small_dataset.recordings, opened.recordings, strict=True):
        for field in ("recording_id", "subject", "rate_hz", "labels", "placement", "source", "gaps", "problems"):
            assert getattr(now, field) == getattr(was, field)
        np.testing.assert_array_equal(now.samples, was.samples)
        assert (now.timestamps_s is None) == (was.timestamps_s is None)
    np.testing.assert_array_equal(opened.recordings[1].timestamps_s, small_dataset.recordings[1].timestamps_s)


def test_samples_are_views_of_the_mapped_file(store: Path) -> None:
    first, second = load_store(store).recordings
    assert not first.samples.flags.owndata
    assert not first.samples.flags.writeable
    assert second.samples.ctypes.data == first.samples.ctypes.data + first.samples.nbytes


def test_is_recognised_by_looking(store: Path, small_dataset: Dataset) -> None:
    assert load_dataset(str(store)).content_hash == small_dataset.content_hash


def test_replaces_a_store_even_the_one_it_reads(store: Path, small_dataset: Dataset) -> None:
    save_store(load_store(store), store)
    assert load_store(store).content_hash == small_dataset.content_hash
    assert sorted(item.name for item in store.parent.iterdir()) == ["store"]


def test_does_not_replace_a_folder_of_something_else(tmp_path: Path, small_dataset: Dataset) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"precious")
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(UsageError, match="existing store"):
        save_store(small_dataset, tmp_path)
    assert (tmp_path / "photo.jpg").read_bytes() == b"precious"


@pytest.mark.parametrize("key", ["name", "activities", "terms", "notes", "problems", "content_hash", "recordings"])
def test_every_key_is_required(store: Path, key: str) -> None:
    _rewrite(store, **{key: None})
    with pytest.raises(DataError, match=f"'{key}' is missing") as caught:
        load_store(store)
    assert caught.value.details["path"] == str(store)


def test_every_key_of_a_recording_is_required(store: Path) -> None:
    entries = json.loads((store / "index.json").read_text())["recordings"]
    for key in entries[1]:
        shorter = [entries[0], {name: value for name, value in entries[1].items() if name != key}]
        _rewrite(store, recordings=shorter)
        with pytest.raises(DataError, match=f"'{key}' is missing"):
            load_store(store)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": "2.0"}, "expected schema version 1.x, got 2.0"),
        ({"schema_version": None}, "expected schema version 1.x"),
        ({"format": "photos"}, "got another file"),
        ({"recordings": [3]}, "not an object"),
        ({"recordings": {}}, "holds dict, not list"),
        ({"content_hash": "0" * 64}, "content with hash 000000000000"),
        ({"activities": ["Sitting"]}, "got Standing"),
    ],
)
def test_refuses_another_index(store: Path, changes: dict[str, Any], message: str) -> None:
    _rewrite(store, **changes)
    with pytest.raises(DataError, match=message):
        load_store(store)


def test_newer_minor_schema_is_read(store: Path) -> None:
    _rewrite(store, schema_version="1.7", added_later=True)
    assert len(load_store(store).recordings) == 2


@pytest.mark.parametrize("rows", [(-1, 500), (0, 2000), (400, 300)])
def test_refuses_rows_outside_the_file(store: Path, rows: tuple[int, int]) -> None:
    entries = json.loads((store / "index.json").read_text())["recordings"]
    entries[0]["samples_start"], entries[0]["samples_stop"] = rows
    _rewrite(store, recordings=entries)
    with pytest.raises(DataError, match="lie outside"):
        load_store(store)


def test_refuses_altered_cut_short_missing_and_pickled_samples(store: Path) -> None:
    file = store / "samples.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-5] + b"\x00" + whole[-4:])
    with pytest.raises(DataError, match="content with hash"):
        load_store(store)
    file.write_bytes(whole[:-40])
    with pytest.raises(DataError, match=r"samples\.npy is missing, cut short"):
        load_store(store)
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"samples\.npy holds object"):
        load_store(store)
    file.unlink()
    with pytest.raises(DataError, match=r"samples\.npy is missing"):
        load_store(store)


def test_refuses_a_broken_index(store: Path) -> None:
    (store / "index.json").write_bytes(b'{"format": "edgehar recordings", \xff')
    with pytest.raises(DataError, match="readable JSON"):
        load_store(store)


def _renew(dataset: Dataset, store: Path) -> None:
    shutil.rmtree(store, ignore_errors=True)
    save_store(dataset, store)


def _npy(shape: str, descr: str = "<f4", rows: int = 4) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + b"\0" * 12 * rows


@pytest.mark.parametrize(
    "content",
    [
        _npy("(500000000, 3)"),
        _npy("(-1, 3)"),
        _npy("(4, 3)", "|O"),
        _npy("(4, 3)", "<f8"),
        _npy("(12,)"),
        _npy("(2, 3)"),
        _npy("(" * 60),
        b"PK\x03\x04" + b"\0" * 60,
        b"\x80\x04pickled",
        b"",
    ],
)
def test_an_array_whose_header_lies_costs_no_memory(store: Path, content: bytes) -> None:
    (store / "samples.npy").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"samples\.npy"):
            load_store(store)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": [[0, 300]]},
        {"labels": [[0.0, 300, "Sitting"]]},
        {"labels": [[True, 300, "Sitting"]]},
        {"labels": "Sitting"},
        {"gaps": [1.5]},
        {"gaps": [None]},
        {"problems": [3]},
        {"timestamps_start": -600},
        {"timestamps_start": 10},
        {"timestamps_start": "0"},
        {"rate_hz": 0.0},
        {"rate_hz": float("nan")},
        {"rate_hz": True},
        {"samples_start": False},
        {"samples_stop": 10**400},
        {"subject": ""},
        {"subject": ["2"]},
    ],
)
def test_refuses_another_entry(store: Path, changes: dict[str, Any]) -> None:
    entries = json.loads((store / "index.json").read_text())["recordings"]
    _rewrite(store, recordings=[entries[0], {**entries[1], **changes}])
    with pytest.raises(DataError, match="expected a store, but"):
        load_store(store)


@pytest.mark.parametrize(
    "text", ['{"format": ' + "[" * 100_000, '{"format": "edgehar recordings", "name": "\\ud800"}', "3"]
)
def test_refuses_an_index_that_no_program_wrote(store: Path, text: str) -> None:
    (store / "index.json").write_text(text)
    with pytest.raises(DataError, match=r"index\.json: expected"):
        load_store(store)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_change_of_the_index_ends_in_a_data_set_or_a_sentence(
    store: Path, small_dataset: Dataset, data: st.DataObject
) -> None:
    _renew(small_dataset, store)
    index = json.loads((store / "index.json").read_text())
    place = data.draw(st.sampled_from([index, *index["recordings"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON_VALUES)
    (store / "index.json").write_text(json.dumps(index))
    with contextlib.suppress(DataError):
        load_store(store)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(["index.json", "samples.npy", "timestamps.npy"]), st.data())
def test_any_damage_of_a_file_is_found(store: Path, small_dataset: Dataset, name: str, data: st.DataObject) -> None:
    _renew(small_dataset, store)
    content = bytearray((store / name).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 200))
    content[at] ^= data.draw(st.integers(1, 255))
    (store / name).write_bytes(content[: data.draw(st.sampled_from([at + 1, len(content)]))])
    try:
        load_store(store)
    except DataError:
        return
    assert name == "index.json" or at < 128, "altered samples were taken for the real ones"
