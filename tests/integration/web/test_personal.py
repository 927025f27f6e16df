"""Fitting the model to its wearer in the page: it gains, stays over a reload, can be taken back, and kills no page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.firmware_bridge.web.phone_folder import phone_files, write_phone_folder
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.pipeline.compilers import Target, compile_bundle

LABELS = ("Walking Forward", "Walking Left", "Walking Right", "Walking Upstairs")
STORE = """async (takes) => {
  const request = indexedDB.open("edgehar", 2);
  const database = await new Promise((done) => { request.onsuccess = () => done(request.result); });
  const store = database.transaction("takes", "readwrite").objectStore("takes");
  for (const take of takes) store.add(take);
  await new Promise((done) => { store.transaction.oncomplete = done; });
  database.close();
}"""


def takes(labels: tuple[str, ...] = LABELS, *, seconds: float = 6.0, subject: str = "") -> list[dict[str, Any]]:
    """Return two takes of each activity: a rhythm and a lean of its own, as the page keeps them."""
    made = []
    for take in range(2):
        for activity, label in enumerate(labels):
            rng = np.random.default_rng([activity, take])
            count = round(seconds * 100)
            samples = np.tile([0.95, 0.1, 0.1], (count, 1)) + rng.normal(scale=0.05, size=(count, 3))
            samples[:, activity % 3] += 0.2 * np.sin(2 * np.pi * 4 * np.arange(count) / 100)
            samples[:, 1:] += 0.3 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[activity % 4]
            times = [10.0 * index for index in range(count)]
            started = 1.7e12 + 60_000 * len(made)
            made.append(
                {
                    "label": label,
                    "subject": subject,
                    "startedMs": started,
                    "times": times,
                    "samples": (9.80665 * samples).round(4).tolist(),
                }
            )
    return made


@pytest.fixture
def page_of(open_page, random_bundle, tmp_path: Path) -> Callable[..., Any]:
    """``page_of(takes)``: the page of a small model with takes that were recorded before."""

    def opened(recorded: list[dict[str, Any]], **options: Any) -> Any:
        layers = (SimpleRNN("RNN_1", 8), Dense("Output", 4, "softmax"))
        bundle = compile_bundle(random_bundle(Architecture("small", 50, 3, layers), 3), [Target("c", "float32")])
        write_phone_folder(phone_files(bundle, quantization="float32"), tmp_path / "page")
        page = open_page(tmp_path / "page", **options)
        page.evaluate(STORE, recorded)
        page.reload()
        page.evaluate("har.ready")
        return page

    return opened


def predicted(page: Any) -> list[float]:
    """Return what the model in use says of one window."""
    window = np.random.default_rng(1).normal(size=150).astype(np.float32).astype(float).tolist()
    found: list[float] = page.evaluate("(window) => Array.from(har.predict(Float32Array.from(window)))", window)
    return found


def test_a_fitted_model_gains_stays_and_goes(page_of) -> None:
    page = page_of(takes())
    general = predicted(page)
    page.click("#fit")
    page.wait_for_selector("#fit-cancel", state="visible")
    # The worker trains; the page answers meanwhile.
    assert page.evaluate("new Promise((done) => requestAnimationFrame(() => done(true)))")
    page.wait_for_selector("#fit-result", state="visible", timeout=120_000)
    own = predicted(page)
    assert own != general
    assert "Your model is in use" in page.inner_text("#fit-summary")
    rows = page.locator("#fit-rows tr")
    assert rows.count() == 4
    before, after = (
        [float(rows.nth(row).locator("td").nth(column).inner_text().rstrip(" %")) for row in range(4)]
        for column in (2, 3)
    )
    assert sum(after) > sum(before) + 40

    page.reload()
    page.evaluate("har.ready")
    assert predicted(page) == own, "it is kept"
    page.click("#fit-use")
    assert predicted(page) == general
    page.click("#fit-use")
    assert predicted(page) == own
    page.click("#fit-remove")
    page.wait_for_selector("#fit-remove", state="hidden")
    assert predicted(page) == general
    page.reload()
    page.evaluate("har.ready")
    assert predicted(page) == general, "it is gone"
    assert not page.is_visible("#fit-result")


def test_fitting_can_be_cancelled(page_of) -> None:
    page = page_of(takes())
    general = predicted(page)
    # Cancelled in the page, as soon as it shows progress: a click from here may come when all is done.
    page.evaluate("""() => {
        const progress = document.querySelector("#fit-progress");
        new MutationObserver((_, observer) => {
            if (progress.hidden || !progress.value) return;
            observer.disconnect();
            document.querySelector("#fit-cancel").click();
        }).observe(progress, { attributes: true });
    }""")
    page.click("#fit")
    page.wait_for_selector("#fit-notices :text('nothing has changed')", timeout=60_000)
    assert page.evaluate("document.activeElement.id") == "fit"
    assert predicted(page) == general
    assert not page.is_visible("#fit-progress")


@pytest.mark.parametrize(
    ("recorded", "sentence"),
    [
        ([], "Record at least two activities"),
        (takes(LABELS[:1]), "two activities or more"),
        (takes(("<img src=x onerror=alert(1)>", "Dancing")), "two activities or more"),
        (takes(subject="Ann") + takes(subject="Bob"), "Who wears it"),
    ],
    ids=["nothing", "one activity", "foreign activities", "two people"],
)
def test_what_cannot_be_learned_from_is_said(page_of, recorded: list[dict[str, Any]], sentence: str) -> None:
    page = page_of(recorded)
    page.click("#fit")
    page.wait_for_selector("#fit-notices li")
    assert sentence in page.inner_text("#fit-notices")
    assert page.is_visible("#fit")
    assert page.locator("#fit-notices img").count() == 0


def test_a_full_disk_is_said_and_the_model_is_used_all_the_same(page_of) -> None:
    full = """
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function () { throw new DOMException("full", "QuotaExceededError"); };
    """
    page = page_of(takes(), script=full)
    general = predicted(page)
    page.click("#fit")
    page.wait_for_selector("#fit-notices li.warn", timeout=120_000)
    assert "the disk is full" in page.inner_text("#fit-notices")
    assert predicted(page) != general
