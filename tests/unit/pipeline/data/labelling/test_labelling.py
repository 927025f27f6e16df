"""Labelling: what a page sends is checked, saved at once or not at all, and no other page gets an answer."""

import errno
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.label_file import read_label_file, write_label_file
from edgehar.pipeline.data.labelling import session as session_module
from edgehar.pipeline.data.labelling.server import TOKEN_HEADER, serve_labelling
from edgehar.pipeline.data.labelling.session import LabelSession, StaleLabelsError
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording


@pytest.fixture
def dataset() -> Dataset:
    samples = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    labelled = Recording("b", "2", samples, 50.0, (LabelInterval(0, 100, "Sitting"),))
    return Dataset("d", ("Sitting",), (Recording("a", "1", samples, 50.0, gaps=(500,)), labelled))


@pytest.fixture
def session(dataset: Dataset, tmp_path: Path) -> LabelSession:
    return LabelSession(dataset, tmp_path / "d.labels.csv", activities=("Walking",))


def test_every_change_is_on_the_disk_and_gone_on_with(session: LabelSession, dataset: Dataset) -> None:
    state = session.replace(0, 0, [[10, 60, "Walking"]])
    assert state == {"revision": 1, "intervals": [[10, 60, "Walking"]]}
    assert read_label_file(session.path) == {"a": [(0.2, 1.2, "Walking")]}
    again = LabelSession(dataset, session.path)
    assert again.labels(0)["intervals"] == [[10, 60, "Walking"]]
    assert again.labels(1)["intervals"] == [[0, 100, "Sitting"]]
    assert again.offered == ("Sitting", "Walking")


def test_export_holds_the_labels_that_were_there(session: LabelSession) -> None:
    session.replace(0, 0, [[0, 50, "Walking"]])
    assert session.export().splitlines()[1:] == ["a,0.000000,1.000000,Walking", "b,0.000000,2.000000,Sitting"]


def test_an_older_tab_overwrites_nothing(session: LabelSession) -> None:
    session.replace(0, 0, [[0, 50, "Walking"]])
    with pytest.raises(StaleLabelsError, match="another tab"):
        session.replace(0, 0, [])
    assert session.labels(0)["intervals"] == [[0, 50, "Walking"]]


def test_another_program_is_not_overwritten(session: LabelSession) -> None:
    write_label_file(session.path, {"a": [(0.0, 1.0, "Other")]})
    with pytest.raises(StaleLabelsError, match="another program"):
        session.replace(0, 0, [])
    assert read_label_file(session.path) == {"a": [(0.0, 1.0, "Other")]}


@pytest.mark.parametrize(
    "intervals",
    [
        None,
        {},
        [[0, 1]],
        [[0, 1, 2]],
        [[0.0, 1.0, "a"]],
        [[True, 5, "a"]],
        [[5, 5, "a"]],
        [[-1, 5, "a"]],
        [[0, 1001, "a"]],
        [[0, 10, "a"], [9, 20, "b"]],
        [[0, 1, " "]],
        [[0, 1, "a\nb"]],
        [[0, 1, "\ud800"]],
        [[0, 1, "a" * 201]],
        [[0, 1, "a"]] * 20_001,
    ],
)
def test_what_is_no_label_is_refused_and_nothing_written(session: LabelSession, intervals: object) -> None:
    with pytest.raises(DataError):
        session.replace(0, 0, intervals)
    assert not session.path.exists()


@pytest.mark.parametrize(("start", "stop", "columns"), [(0, 1000, 7), (3, 4, 100), (990, 5000, 3), (0, 1000, 10**9)])
def test_extremes_are_those_of_their_samples(session: LabelSession, start: int, stop: int, columns: int) -> None:
    found = session.extremes(0, start, stop, columns)
    samples = session.recording(0).samples[start:stop]
    assert 0 < len(found) <= columns
    np.testing.assert_array_equal(found[:, 0].min(axis=0), samples.min(axis=0))
    np.testing.assert_array_equal(found[:, 1].max(axis=0), samples.max(axis=0))


@pytest.mark.parametrize(("start", "stop"), [(1000, 2000), (5, 5), (7, 3)])
def test_nothing_has_no_extremes(session: LabelSession, start: int, stop: int) -> None:
    assert session.extremes(0, start, stop, 10).shape == (0, 2, 3)


class Browser:
    """Asks the server what a browser would, and more."""

    def __init__(self, address: str) -> None:
        url = urlsplit(address)
        self.port, self.token = url.port, url.fragment

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        given = {TOKEN_HEADER: self.token, "Content-Type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, sent, given)
        answer = connection.getresponse()
        content = answer.read()
        assert "default-src 'none'" in answer.getheader("Content-Security-Policy", "")
        connection.close()
        return answer.status, content


@pytest.fixture
def browser(session: LabelSession) -> Iterator[Browser]:
    with serve_labelling(session) as address:
        yield Browser(address)


def test_the_page_and_its_parts_are_given_out(browser: Browser) -> None:
    for name in ("", "app.js", "style.css", "intervals.js", "picture.js", "server.js"):
        assert browser("GET", f"/{name}", **{TOKEN_HEADER: ""})[0] == 200
    for name in ("../session.py", "%2e%2e/session.py", "static/app.js", "etc/passwd", "api/none"):
        assert browser("GET", f"/{name}")[0] == 404


def test_labels_go_there_and_back(browser: Browser, session: LabelSession) -> None:
    assert browser("PUT", "/api/labels?recording=0", {"revision": 0, "intervals": [[0, 9, "a"]]})[0] == 200
    assert browser("PUT", "/api/labels?recording=0", {"revision": 0, "intervals": []})[0] == 409
    status, content = browser("GET", "/api/labels?recording=0")
    assert (status, json.loads(content)) == (200, {"revision": 1, "intervals": [[0, 9, "a"]]})
    assert b"a,0.000000,0.180000,a" in browser("GET", "/api/export")[1]
    signal = np.frombuffer(browser("GET", "/api/signal?recording=0&start=0&stop=1000&columns=10")[1], "<f4")
    np.testing.assert_array_equal(signal.reshape(10, 2, 3), session.extremes(0, 0, 1000, 10))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {TOKEN_HEADER: ""},
        {TOKEN_HEADER: "guess"},
        {TOKEN_HEADER: "gu\xe9ss"},
    ],
)
def test_other_pages_get_no_answer_and_change_nothing(
    browser: Browser, session: LabelSession, headers: dict[str, str]
) -> None:
    assert browser("GET", "/api/recordings", **headers)[0] == 403
    assert browser("PUT", "/api/labels?recording=0", {"revision": 0, "intervals": [[0, 9, "a"]]}, **headers)[0] == 403
    assert not session.path.exists()


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/api/labels?recording=9", {"revision": 0, "intervals": []}, {}, 400),
        ("/api/labels?recording=-1", {"revision": 0, "intervals": []}, {}, 400),
        ("/api/labels", {"revision": 0, "intervals": []}, {}, 400),
        ("/api/labels?recording=0", b"{", {}, 400),
        ("/api/labels?recording=0", b"[" * 100_000, {}, 400),
        ("/api/labels?recording=0", [], {}, 400),
        ("/api/labels?recording=0", {"revision": 0, "intervals": [[0, 10**30, "a"]]}, {}, 400),
        ("/api/labels?recording=0", {"revision": 0, "intervals": []}, {"Content_Type": "text/plain"}, 404),
        ("/api/labels?recording=0", b"", {"Content_Length": str(10**9)}, 413),
        ("/api/recordings", {}, {}, 404),
    ],
)
def test_nonsense_is_refused_in_a_sentence(
    browser: Browser, path: str, body: object, headers: dict[str, str], status: int
) -> None:
    found, content = browser("PUT", path, body, **headers)
    assert found == status
    assert json.loads(content)["error"]


def test_a_full_disk_is_said_and_nothing_is_taken(
    browser: Browser, session: LabelSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(session_module, "write_label_file", full)
    status, content = browser("PUT", "/api/labels?recording=0", {"revision": 0, "intervals": [[0, 9, "a"]]})
    assert status == 507
    assert "No space left on device" in json.loads(content)["error"]
    assert session.labels(0) == {"revision": 0, "intervals": []}


def test_a_port_in_use_is_said(session: LabelSession) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(UsageError, match="Choose another --port"),
            serve_labelling(session, port=taken.getsockname()[1]),
        ):
            pass
