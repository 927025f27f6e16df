"""Recordings made on the page: prompts lead through them, they survive a reload, and `har data import` reads them."""

import csv
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.readers import load_dataset

PHONE = {"viewport": {"width": 390, "height": 844}}

# Sixty readings a second of a phone that is held upright, by the page's own clock.
MOVING = """
window.setInterval(() => {
  const timeMs = performance.now();
  const reading = { x: Math.sin(timeMs / 80), y: 9.8 + 2 * Math.cos(timeMs / 80), z: 0.3 };
  const rotationRate = { alpha: 100 * Math.sin(timeMs / 80), beta: -20, gamma: 0.5 };
  const motion = { accelerationIncludingGravity: reading, rotationRate, interval: 16 };
  const event = new DeviceMotionEvent("devicemotion", motion);
  Object.defineProperty(event, "timeStamp", { value: timeMs });
  window.dispatchEvent(event);
}, 1000 / 60);
"""


@pytest.fixture(params=["simple_rnn"])
def page(browser, serve, phone_folder, request: pytest.FixtureRequest) -> Any:
    """The page of a phone that moves, whose clock the test turns."""
    context = browser.new_context(**PHONE)
    with serve(phone_folder(request.param)) as url:
        page = context.new_page()
        page.clock.install()
        page.add_init_script(MOVING)
        page.goto(url)
        page.evaluate("har.ready")
        yield page
        context.close()


def record(page: Any, activities: list[str], *, seconds: int, subject: str = "") -> None:
    """Choose activities and let the page record."""
    for activity in activities:
        box = page.locator(f"#activities input[value='{activity}']")
        if box.count():
            box.check()
        else:
            page.fill("#another", activity)
    page.fill("#seconds", str(seconds))
    page.fill("#subject", subject)
    page.click("#record")
    page.wait_for_selector("#prompt", state="visible")


def let_pass(page: Any, seconds: int) -> None:
    """Turn the page's clock on."""
    for _ in range(seconds * 4):
        page.clock.run_for(250)


def download(page: Any, folder: Path) -> Path:
    """Download the CSV."""
    with page.expect_download() as started:
        page.click("#download")
    target = folder / started.value.suggested_filename
    started.value.save_as(target)
    return target


def test_a_session_becomes_a_store(page, tmp_path: Path) -> None:
    record(page, ["Sitting", "Walking Forward", "Juggling, high"], seconds=12, subject="Ada")
    assert "Get ready for Walking Forward" in page.inner_text("#prompt-text")
    let_pass(page, 9)
    assert "Walking Forward" in page.inner_text("#prompt-text")
    assert "then 2 more" in page.inner_text("#prompt-text")
    let_pass(page, 50)
    page.wait_for_selector("#plan", state="visible")
    assert "All activities are recorded" in page.inner_text("#recording-notices")
    file = download(page, tmp_path)
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["time_ms", "x", "y", "z", "label", "subject"]
    times = [float(row[0]) for row in rows[1:]]
    assert times[0] == 0
    assert all(after > before for before, after in itertools.pairwise(times))
    done = subprocess.run(
        [sys.executable, "-m", "edgehar", "data", "import", str(file), "--out", str(tmp_path / "store"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["activities"] == ["Juggling, high", "Sitting", "Walking Forward"]
    assert found["subjects"] == ["Ada"]
    assert found["labelled_seconds"] == pytest.approx(36, abs=1)
    assert any("m/s2" in note for note in found["notes"])


@pytest.mark.parametrize("page", ["simple_rnn-6"], indirect=True)
def test_the_turning_rate_is_recorded_for_a_model_that_takes_it(page, tmp_path: Path) -> None:
    record(page, ["Sitting", "Standing"], seconds=5)
    let_pass(page, 24)
    page.wait_for_selector("#plan", state="visible")
    file = download(page, tmp_path)
    assert file.read_text().startswith("time_ms,x,y,z,gx (deg/s),gy (deg/s),gz (deg/s),label")
    dataset = load_dataset(file, layout=Options(channels=("accelerometer", "gyroscope")))
    samples = np.concatenate([each.samples for each in dataset.recordings])
    assert samples.shape[1] == 6
    np.testing.assert_allclose(samples[:, 3], 100 * samples[:, 0] * 9.80665, atol=0.1)
    np.testing.assert_allclose(samples[:, 4:], np.tile([-20, 0.5], (len(samples), 1)), atol=1e-3)
    assert load_dataset(file).channels == ("x", "y", "z")


def test_takes_survive_a_reload_and_can_be_deleted(page) -> None:
    record(page, ["Sitting"], seconds=5)
    let_pass(page, 12)
    page.wait_for_selector("#takes tr")
    page.reload()
    page.evaluate("har.ready")
    assert "Sitting" in page.inner_text("#takes")
    page.click("#takes button")
    page.wait_for_selector("#kept", state="hidden")
    page.reload()
    page.evaluate("har.ready")
    assert page.is_hidden("#kept")


def test_what_was_recorded_before_a_stop_is_kept(page) -> None:
    record(page, ["Sitting", "Standing"], seconds=30)
    let_pass(page, 15)
    page.click("#cancel")
    let_pass(page, 1)
    page.wait_for_selector("#plan", state="visible")
    assert "What was recorded until then is kept" in page.inner_text("#recording-notices")
    assert page.locator("#takes tr").count() == 1
    seconds = float(page.inner_text("#takes td:nth-child(2)"))
    assert 5 < seconds < 15


def test_a_full_disk_is_said_and_the_take_stays_in_the_page(page, tmp_path: Path) -> None:
    page.evaluate(
        "() => { IDBObjectStore.prototype.add = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    record(page, ["Sitting"], seconds=5)
    let_pass(page, 12)
    page.wait_for_selector("#takes tr")
    assert "the disk is full" in page.inner_text("#recording-notices")
    assert len(download(page, tmp_path).read_text().splitlines()) > 200


@pytest.mark.parametrize(("seconds", "activities", "expected"), [("20", [], "Choose an activity")])
def test_a_plan_without_sense_is_refused(page, seconds: str, activities: list[str], expected: str) -> None:
    page.fill("#seconds", seconds)
    page.click("#record")
    assert expected in page.inner_text("#recording-notices")
    assert page.is_hidden("#prompt")
