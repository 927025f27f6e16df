"""The labelling page in Chromium: marking with the keyboard alone, undo, two tabs, a full disk, hostile labels."""

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.pipeline.data.label_file import read_label_file
from edgehar.pipeline.data.labelling import session as session_module
from edgehar.pipeline.data.labelling.server import serve_labelling
from edgehar.pipeline.data.labelling.session import LabelSession
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, Recording

HOSTILE = '<img src=x onerror="document.title=1">'
STATE = "() => label.state()"


@pytest.fixture
def session(tmp_path: Path) -> LabelSession:
    samples = np.random.default_rng(0).normal((0, 0, 1), 0.1, size=(6000, 3)).astype(np.float32)
    items = tuple(Recording(name, "1", samples, 50.0, gaps=(3000,)) for name in ("a", HOSTILE))
    return LabelSession(Dataset(HOSTILE, (), items), tmp_path / "d.labels.csv", activities=("Walking", "Sitting"))


@pytest.fixture
def open_tab(browser: Any, session: LabelSession) -> Iterator[Callable[..., Any]]:
    """``open_tab()``: a page of the session, loaded; what it complains about fails the test."""
    complaints: list[str] = []
    with contextlib.ExitStack() as ending:
        address = ending.enter_context(serve_labelling(session))

        def opened(**options: Any) -> Any:
            context = browser.new_context(**options)
            ending.callback(context.close)
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(address)
            page.evaluate("label.ready")
            return page

        yield opened
    assert complaints == []


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def until(page: Any, condition: str) -> None:
    """Wait for a condition; the page's policy forbids the browser to evaluate it by itself."""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{condition} did not come true; {page.inner_text('main')}")


def is_saved(page: Any) -> None:
    until(page, "document.getElementById('saved').textContent === 'All is saved'")


def test_a_recording_is_labelled_with_the_keyboard_alone(open_tab, session: LabelSession, tmp_path: Path) -> None:
    page = open_tab(viewport={"width": 1280, "height": 900})
    press(page, "Home", "1", *["Shift+ArrowRight"] * 2, "2", *["Shift+ArrowRight"] * 3, "Enter")
    is_saved(page)
    # A view is a minute at first: a tenth of it is 300 samples.
    assert page.evaluate(STATE)["intervals"] == [[0, 600, "Walking"], [600, 1500, "Sitting"]]
    press(page, *["Shift+ArrowLeft"] * 4, "]")
    assert page.evaluate(STATE)["intervals"] == [[0, 300, "Walking"], [600, 1500, "Sitting"]]
    press(page, "u")
    assert page.evaluate(STATE)["intervals"] == [[0, 600, "Walking"], [600, 1500, "Sitting"]]
    press(page, "Shift+U", "Home", "Delete", "Control+z", "Control+z", "Control+y")
    press(page, "l")
    page.keyboard.type("Lying & <b>")
    press(page, "Enter", "End", "3", "Shift+ArrowLeft", "3", "Escape")
    is_saved(page)
    assert read_label_file(session.path)["a"] == [
        (0.0, 6.0, "Walking"),
        (12.0, 30.0, "Sitting"),
        (114.0, 120.0, "Lying & <b>"),
    ]


def test_zoom_play_and_the_next_recording(open_tab) -> None:
    page = open_tab()
    whole = page.evaluate(STATE)["view"]
    press(page, "+", "+")
    near = page.evaluate(STATE)["view"]
    assert near[1] - near[0] < (whole[1] - whole[0]) / 2
    press(page, "ArrowDown", "-", "Home", ".", ".", ".", ".", "Space")
    until(page, "label.state().head > 100")
    press(page, "Space")
    stopped = page.evaluate(STATE)["head"]
    page.wait_for_timeout(100)
    assert page.evaluate(STATE)["head"] == stopped
    press(page, "n")
    until(page, "label.state().index === 1")
    press(page, "p")
    until(page, "label.state().index === 0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_names_of_strangers_are_text_and_nothing_is_wider_than_the_window(open_tab, width: int, scheme: str) -> None:
    page = open_tab(viewport={"width": width, "height": 800}, color_scheme=scheme)
    press(page, "l")
    page.keyboard.type('<img src=x onerror="document.title=1"> ' + "W" * 150)
    press(page, "Enter", "n")
    until(page, "label.state().index === 1")
    assert page.evaluate("document.images.length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_two_tabs_never_overwrite_each_other(open_tab, session: LabelSession) -> None:
    first, second = open_tab(), open_tab()
    press(first, "Home", "1", "Shift+ArrowRight", "1")
    is_saved(first)
    press(second, "Home", "2", "Shift+ArrowRight", "2")
    until(second, "document.getElementById('trouble').textContent.includes('another tab')")
    assert second.evaluate(STATE)["intervals"] == [[0, 300, "Walking"]]
    assert read_label_file(session.path)["a"] == [(0.0, 6.0, "Walking")]
    press(second, "u")
    is_saved(second)
    assert read_label_file(session.path)["a"] == [(0.0, 6.0, "Sitting")]


def test_a_full_disk_is_said_and_saved_once_there_is_room(
    open_tab, session: LabelSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    page = open_tab()
    with monkeypatch.context() as patched:
        patched.setattr(session_module, "write_label_file", full)
        press(page, "Home", "1", "Shift+ArrowRight", "1")
        until(page, "document.getElementById('trouble').textContent.includes('No space left')")
        assert page.inner_text("#saved") == "Not saved"
        assert not session.path.exists()
    is_saved(page)
    assert page.is_hidden("#trouble")
    assert read_label_file(session.path)["a"] == [(0.0, 6.0, "Walking")]


def test_export_is_read_by_an_import(open_tab, tmp_path: Path) -> None:
    page = open_tab()
    press(page, "Home", "1", "Shift+ArrowRight", "1")
    is_saved(page)
    with page.expect_download() as download:
        press(page, "e")
    path = tmp_path / "walks.labels.csv"
    download.value.save_as(path)
    folder = tmp_path / "walks"
    folder.mkdir()
    rows = "\n".join(f"{at / 50:.2f},0.01,{(at % 5) / 100},1.0" for at in range(6000))
    (folder / "a.csv").write_text(f"time_s,x,y,z\n{rows}\n")
    (label,) = load_dataset(folder).recordings[0].labels
    assert (label.start, label.stop, label.activity) == (0, 300, "Walking")


def test_without_the_token_the_page_says_where_to_open_it(browser: Any, session: LabelSession) -> None:
    with serve_labelling(session) as address, contextlib.closing(browser.new_page()) as page:
        page.goto(address.partition("#")[0])
        until(page, "document.getElementById('trouble').textContent.includes('address')")
