"""The inbox: a token, a size, a name of its own; whole files or none; a disk that never fills."""

import errno
import io
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from edgehar.firmware_bridge.web import inbox as inbox_module
from edgehar.firmware_bridge.web.inbox import Answer, Inbox

CSV = b"time_ms,x,y,z,label\r\n0,0,0,9.8,Sitting\r\n10,0,0,9.8,Sitting\r\n"


def send(box: Inbox, content: bytes = CSV, *, reader: Any = None, **changes: str) -> Answer:
    """Send a recording as a page does."""
    asked = {"token": box.token, "length": str(len(content)), **changes}
    return box.receive(content=reader or io.BytesIO(content), **asked)


def test_a_recording_is_kept_under_a_name_of_the_server(tmp_path: Path) -> None:
    heard: list[Path] = []
    box = Inbox(tmp_path / "in", on_received=heard.append)
    answers = [send(box) for _ in range(3)]
    assert {answer.status for answer in answers} == {HTTPStatus.CREATED}
    names = [answer.text for answer in answers]
    assert len(set(names)) == 3
    assert heard == [tmp_path / "in" / name for name in names]
    assert all(path.read_bytes() == CSV for path in heard)


@pytest.mark.parametrize("token", ["", "x", "ä" * 22, "\udcff"])
def test_a_stranger_is_refused_before_a_byte_is_read(tmp_path: Path, token: str) -> None:
    box, content = Inbox(tmp_path / "in"), io.BytesIO(CSV)
    assert send(box, token=token, reader=content).status == HTTPStatus.FORBIDDEN
    assert content.tell() == 0
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("", HTTPStatus.LENGTH_REQUIRED),
        ("-1", HTTPStatus.LENGTH_REQUIRED),
        ("1e3", HTTPStatus.LENGTH_REQUIRED),
        ("٣", HTTPStatus.LENGTH_REQUIRED),
        ("101", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        ("9" * 5000, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_a_size_that_cannot_be_is_refused(tmp_path: Path, length: str, status: HTTPStatus) -> None:
    assert send(Inbox(tmp_path, largest_bytes=100), length=length).status == status
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"<html>", b"\0" * 99, b"time_ms,a\r\n"])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    assert send(Inbox(tmp_path), content).status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert list(tmp_path.iterdir()) == []


def test_half_a_recording_leaves_nothing(tmp_path: Path) -> None:
    answer = send(Inbox(tmp_path), length=str(len(CSV) + 50_000))
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert list(tmp_path.glob("*.csv")) == []
    assert not [path for path in tmp_path.iterdir() if "writing" in path.name]


def test_a_sender_that_falls_silent_leaves_nothing(tmp_path: Path) -> None:
    class Silent(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            part = super().read(size)
            if not part:
                raise TimeoutError("timed out")
            return part

    answer = send(Inbox(tmp_path), reader=Silent(CSV), length=str(len(CSV) + 9))
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert list(tmp_path.glob("*.csv")) == []


def test_all_of_them_stay_below_the_quota(tmp_path: Path) -> None:
    box = Inbox(tmp_path, most_bytes=2 * len(CSV))
    (tmp_path / "mine.csv").write_bytes(b"x" * 10_000)
    found = [send(box).status for _ in range(3)]
    assert found == [HTTPStatus.CREATED, HTTPStatus.CREATED, HTTPStatus.INSUFFICIENT_STORAGE]


def test_many_at_once_share_the_quota(tmp_path: Path) -> None:
    box, found = Inbox(tmp_path, most_bytes=3 * len(CSV)), []
    senders = [threading.Thread(target=lambda: found.append(send(box).status)) for _ in range(8)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    assert found.count(HTTPStatus.CREATED) == 3
    assert len(list(tmp_path.glob("phone-*.csv"))) == 3


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(inbox_module, "atomic_path", full)
    answer = send(Inbox(tmp_path))
    assert answer.status == HTTPStatus.INSUFFICIENT_STORAGE
    assert "disk is full" in answer.text


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    answer = send(Inbox(tmp_path / "file"))
    assert answer.status == HTTPStatus.INSUFFICIENT_STORAGE
    assert "could not write" in answer.text
    assert (tmp_path / "file").read_text() == "mine"
