"""Files and folders are written whole or not at all."""

import os
import stat
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from edgehar.models.files import atomic_folder, atomic_path, settled, writing


def _write_half(writing: AbstractContextManager[Path], failure: type[BaseException]) -> None:
    """Begin to write, and fail."""
    with writing as temporary:
        (temporary / "half" if temporary.is_dir() else temporary).write_text("half")
        raise failure


def test_a_file_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "new" / "file.json"
    with atomic_path(target) as temporary:
        temporary.write_text("content")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.suffix == ".json"
    assert target.read_text() == "content"
    assert [path.name for path in target.parent.iterdir()] == ["file.json"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(failure):
        _write_half(atomic_path(target), failure)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_files_get_the_permissions_anyone_else_s_files_get(tmp_path):
    umask = os.umask(0o027)
    try:
        with atomic_path(tmp_path / "file") as temporary:
            temporary.write_text("x")
        with atomic_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750


def test_a_folder_takes_the_old_one_s_place(tmp_path, exchange):
    target = tmp_path / "folder"
    for content in ("first", "second"):
        with atomic_folder(target) as temporary:
            (temporary / content).touch()
    assert [path.name for path in target.iterdir()] == ["second"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path, failure):
    target = tmp_path / "folder"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(failure):
        _write_half(atomic_folder(target), failure)
    assert [path.name for path in target.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.fixture(params=["in one step", "by way of a second name"])
def exchange(request, monkeypatch):
    """Both ways to replace a folder."""
    if request.param != "in one step":
        monkeypatch.setattr("edgehar.models.files.writing.exchange", lambda left, right: False)


def test_the_old_folder_returns_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target = tmp_path / "folder"
    target.mkdir()
    (target / "old").touch()
    real = type(target).replace

    def refuse(self, other):
        if other == target and not (self / "old").exists():
            raise OSError(5, "Input/output error")
        return real(self, other)

    monkeypatch.setattr("edgehar.models.files.writing.exchange", lambda left, right: False)
    monkeypatch.setattr(type(target), "replace", refuse)
    with pytest.raises(OSError, match="Input/output error"), atomic_folder(target) as temporary:
        (temporary / "new").touch()
    assert [path.name for path in target.iterdir()] == ["old"]


def test_a_link_to_a_folder_stays_one_and_what_it_points_to_is_replaced(tmp_path, exchange):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "old").touch()
    (tmp_path / "latest").symlink_to("real")
    with atomic_folder(tmp_path / "latest") as temporary:
        (temporary / "new").touch()
    assert (tmp_path / "latest").readlink() == Path("real")
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "real"]


def test_a_file_is_not_replaced_by_a_folder(tmp_path, exchange):
    (tmp_path / "name").write_text("mine")
    with pytest.raises(FileExistsError), atomic_folder(tmp_path / "name"):
        pass
    assert (tmp_path / "name").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


def test_the_current_folder_can_be_replaced(tmp_path, exchange, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with atomic_folder(Path()) as temporary:
        (temporary / "new").touch()
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["new"]


def test_what_killed_writers_left_is_removed_and_what_is_others_stays(tmp_path):
    others = [".name.lock2", ".name.writing", ".named.writing-x", "name.writing-x", ".other.previous"]
    for name in (".name.writing-abc", ".name.previous"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / ".name.writing-file").touch()
    (tmp_path / ".name.writing-link").symlink_to(tmp_path / "precious")
    (tmp_path / "precious").mkdir()
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / "name").mkdir()
    with atomic_folder(tmp_path / "name"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["name", "precious", *others])


def test_an_old_folder_that_waits_for_a_killed_writer_is_read_and_comes_back(tmp_path):
    target = tmp_path / "name"
    (tmp_path / ".name.previous").mkdir()
    (tmp_path / ".name.previous" / "old").touch()
    assert [path.name for path in settled(target).iterdir()] == ["old"]
    with pytest.raises(ValueError, match="stop"), atomic_folder(target):
        raise ValueError("stop")
    assert [path.name for path in target.iterdir()] == ["old"]
    assert settled(target) == target
    assert settled(tmp_path / "nothing") == tmp_path / "nothing"


@pytest.mark.skipif(os.name == "nt", reason="Windows flushes folders by itself")
def test_everything_is_on_the_disk_before_it_takes_its_place(tmp_path, exchange, monkeypatch):
    (tmp_path / "folder").mkdir()
    events = []
    flush = os.fsync

    def note(handle):
        events.append(os.fstat(handle).st_ino)
        flush(handle)

    monkeypatch.setattr(os, "fsync", note)
    real = writing._put_in_place

    def put(temporary, target):
        events.append("put")
        real(temporary, target)

    monkeypatch.setattr(writing, "_put_in_place", put)
    remove = writing._remove
    monkeypatch.setattr(writing, "_remove", lambda path: (events.append("remove"), remove(path)))
    with atomic_folder(tmp_path / "folder") as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "file").write_text("x")
        (temporary / "other").write_text("y")
    target = tmp_path / "folder"
    inside = {path.stat().st_ino for path in [target, *target.rglob("*")]}
    put = events.index("put")
    assert len(inside) == 4
    assert inside <= set(events[:put])
    parent = len(events) - 1 - events[::-1].index(tmp_path.stat().st_ino)
    assert put < parent < len(events) - 1 - events[::-1].index("remove")


@pytest.mark.skipif(os.name == "nt", reason="Windows flushes folders by itself")
def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_text("old")
    flushed = []
    flush = os.fsync

    def note(handle):
        flushed.append((os.fstat(handle).st_ino, target.read_text()))
        flush(handle)

    monkeypatch.setattr(os, "fsync", note)
    with atomic_path(target) as temporary:
        temporary.write_text("new")
    assert flushed == [(target.stat().st_ino, "old"), (tmp_path.stat().st_ino, "new")]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files as Linux lists them")
def test_no_file_stays_open(tmp_path):
    def open_files():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_files()
    for number in range(3):
        with atomic_path(tmp_path / "file") as temporary:
            temporary.write_text(str(number))
        with atomic_folder(tmp_path / "folder") as temporary:
            (temporary / "inner").mkdir()
            (temporary / "inner" / "file").touch()
    assert open_files() == before
