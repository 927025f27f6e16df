"""Fetching from a real HTTP server on this machine: whole, resumed, cut off, wrong, dangerous, and not there."""

import contextlib
import http.server
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data import download as downloading
from edgehar.pipeline.data import fetch as fetching
from edgehar.pipeline.data.download import download
from edgehar.pipeline.data.fetch import SOURCES, fetch


@dataclass
class _Site:
    """What a test server serves, and what it was asked."""

    content: bytes = b""
    ranges: bool = True
    say_length: bool = True
    cut_after: int | None = None
    status: int = 200
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    site: _Site

    def do_GET(self) -> None:
        site, wanted = self.site, self.headers.get("Range")
        site.asked.append(wanted)
        if site.status != 200:
            self.send_error(site.status)
            return
        start = int(wanted[6:-1]) if wanted and site.ranges else 0
        if start >= len(site.content) and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(site.content)}")
            self.end_headers()
            return
        self.send_response(206 if wanted and site.ranges else 200)
        if wanted and site.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
        if site.say_length:
            self.send_header("Content-Length", str(len(site.content) - start))
        self.end_headers()
        body = site.content[start:]
        self.wfile.write(body if site.cut_after is None else body[: site.cut_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[_Site]:
    """Serve whatever the test puts into ``content``."""
    served = _Site()
    handler = type("Handler", (_Handler,), {"site": served})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        served.url = f"http://127.0.0.1:{server.server_address[1]}/data.zip"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def _zip(names: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return buffer.getvalue()


GOOD = {
    "USC-HAD/Readme.txt": b"Hello.",
    "USC-HAD/Subject1/a1t1.mat": bytes(range(256)) * 2000,
    "USC-HAD/Subject1/a2t1.mat": b"2",
    "__MACOSX/USC-HAD/._Readme.txt": b"clutter",
}


def _leftovers(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def test_downloads_checks_and_unpacks(site: _Site, tmp_path: Path) -> None:
    site.content = _zip(GOOD)
    calls: list[tuple[int, int | None]] = []
    made = fetch("usc-had", tmp_path / "data", url=site.url, progress=lambda here, of: calls.append((here, of)))
    assert made == tmp_path / "data"
    assert (made / "Subject1" / "a1t1.mat").read_bytes() == GOOD["USC-HAD/Subject1/a1t1.mat"]
    assert _leftovers(made) == ["Readme.txt", "Subject1"]
    assert _leftovers(tmp_path) == ["data"]
    assert calls[-1] == (len(site.content), len(site.content))


def test_archive_without_a_top_folder(site: _Site, tmp_path: Path) -> None:
    site.content = _zip({name.removeprefix("USC-HAD/"): content for name, content in GOOD.items()})
    fetch("usc-had", tmp_path / "data", url=site.url)
    assert _leftovers(tmp_path / "data") == ["Readme.txt", "Subject1"]


@pytest.mark.parametrize("ranges", [True, False])
def test_goes_on_where_it_stopped(site: _Site, tmp_path: Path, ranges: bool) -> None:
    site.content, site.ranges = _zip(GOOD), ranges
    (tmp_path / "data.zip.part").write_bytes(site.content[:1000])
    fetch("usc-had", tmp_path / "data", url=site.url)
    assert site.asked == ["bytes=1000-"]
    assert _leftovers(tmp_path) == ["data"]


def test_everything_is_here_already(site: _Site, tmp_path: Path) -> None:
    site.content = _zip(GOOD)
    (tmp_path / "data.zip.part").write_bytes(site.content)
    fetch("usc-had", tmp_path / "data", url=site.url)
    assert _leftovers(tmp_path) == ["data"]


def test_more_is_here_than_there_should_be(site: _Site, tmp_path: Path) -> None:
    site.content = _zip(GOOD)
    (tmp_path / "data.zip.part").write_bytes(b"x" * (len(site.content) + 5))
    fetch("usc-had", tmp_path / "data", url=site.url)
    assert site.asked[-1] is None
    assert _leftovers(tmp_path) == ["data"]


def test_broken_connection_is_taken_up_again(site: _Site, tmp_path: Path) -> None:
    site.content = _zip(GOOD)
    site.cut_after = len(site.content) // 3 + 1
    download(site.url, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == site.content
    third = site.cut_after
    assert site.asked == [None, f"bytes={third}-", f"bytes={2 * third}-"]


def test_transfer_that_stays_short_keeps_what_came(site: _Site, tmp_path: Path) -> None:
    site.content, site.cut_after = _zip(GOOD), 100
    with pytest.raises(DataError, match="goes on where it stopped") as caught:
        fetch("usc-had", tmp_path / "data", url=site.url)
    assert caught.value.exit_code == 1
    assert _leftovers(tmp_path) == ["data.zip.part"]
    assert (tmp_path / "data.zip.part").read_bytes() == site.content[: 100 * downloading.ATTEMPTS]


def test_short_transfer_of_unsaid_length_is_caught_by_the_archive(site: _Site, tmp_path: Path) -> None:
    site.content, site.say_length, site.cut_after = _zip(GOOD), False, 900
    with pytest.raises(DataError, match="expected a whole zip archive"):
        fetch("usc-had", tmp_path / "data", url=site.url)
    assert _leftovers(tmp_path) == []


def test_flipped_bit_is_caught_by_its_checksum(site: _Site, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("USC-HAD/Subject1/a1t1.mat", b"A" * 5000)
    content = bytearray(buffer.getvalue())
    content[1000] ^= 1
    site.content = bytes(content)
    with pytest.raises(DataError, match=r"a wrong checksum in USC-HAD/Subject1/a1t1\.mat"):
        fetch("usc-had", tmp_path / "data", url=site.url)
    assert _leftovers(tmp_path) == []


@pytest.mark.parametrize("content", [b"<html>Sorry, moved.</html>", b""])
def test_wrong_content(site: _Site, tmp_path: Path, content: bytes) -> None:
    site.content = content
    with pytest.raises(DataError, match="expected a whole zip archive, got something else"):
        fetch("usc-had", tmp_path / "data", url=site.url)
    assert _leftovers(tmp_path) == []


def test_archive_of_something_else(site: _Site, tmp_path: Path) -> None:
    site.content = _zip({"photos/a.jpg": b"1", "photos/b.jpg": b"2"})
    with pytest.raises(DataError, match=r"expected the archive of usc-had, got a\.jpg, b\.jpg"):
        fetch("usc-had", tmp_path / "data", url=site.url)
    assert _leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "USC-HAD/../../evil.txt", "..\\evil.txt", "C:/evil.txt"])
def test_archive_that_reaches_out_of_its_folder(site: _Site, tmp_path: Path, name: str) -> None:
    site.content = _zip(GOOD | {name: b"gotcha"})
    with pytest.raises(DataError, match="plain files inside its own folder"):
        fetch("usc-had", tmp_path / "deep" / "data", url=site.url)
    assert _leftovers(tmp_path) == ["deep"]
    assert _leftovers(tmp_path / "deep") == []
    assert not Path("/evil.txt").exists()


def test_archive_with_a_link(site: _Site, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("USC-HAD/Subject1")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc")
    site.content = buffer.getvalue()
    with pytest.raises(DataError, match="plain files inside its own folder"):
        fetch("usc-had", tmp_path / "data", url=site.url)


def test_archive_that_would_fill_the_disk(site: _Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_MAX_UNPACKED", 1000)
    site.content = _zip(GOOD)
    with pytest.raises(DataError, match=r"at most 1,000 bytes when unpacked, got 512,"):
        fetch("usc-had", tmp_path / "data", url=site.url)
    assert _leftovers(tmp_path) == []


@pytest.mark.parametrize("status", [404, 403, 500])
def test_server_that_refuses(site: _Site, tmp_path: Path, status: int) -> None:
    site.status = status
    with pytest.raises(DataError, match=rf"expected a file, got {status} .*--url"):
        fetch("usc-had", tmp_path / "data", url=site.url)
    assert _leftovers(tmp_path) == []
    assert len(site.asked) == 1


def test_nobody_listens(tmp_path: Path) -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/data.zip"
        with pytest.raises(DataError, match=r"refused.*Check the connection"):
            fetch("usc-had", tmp_path / "data", url=url)
    assert _leftovers(tmp_path) == []


def test_server_that_says_nothing(tmp_path: Path) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/data.zip"
        with pytest.raises(DataError, match="timed out"):
            download(url, tmp_path / "part", timeout_s=0.2)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "data.zip", "http://"])
def test_addresses_that_are_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="starts with http"):
        fetch("usc-had", tmp_path / "data", url=url)


def test_does_not_touch_a_folder_that_is_in_use(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UsageError, match="expected a new or empty folder"):
        fetch("usc-had", tmp_path)
    assert _leftovers(tmp_path) == ["thesis.tex"]


def test_unknown_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not one of usc-had, hapt"):
        fetch("mnist", tmp_path / "data")


def test_official_addresses_are_encrypted() -> None:
    assert all(source.url.startswith("https://") for source in SOURCES.values())
    assert SOURCES["usc-had"].url.startswith("https://sipi.usc.edu/had/")
