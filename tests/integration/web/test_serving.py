"""The page as `har phone --serve` gives it out: over HTTPS that no authority of the browser vouches for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trustme", reason="trustme is not installed: edgehar[phone]")

from edgehar.firmware_bridge.web.https_server import serve_https
from edgehar.firmware_bridge.web.inbox import LARGEST_BYTES, Inbox
from edgehar.firmware_bridge.web.phone_folder import phone_files


def test_the_page_works_behind_a_certificate_that_was_gone_past(browser, compiled_bundle, replay_script) -> None:
    files = phone_files(compiled_bundle("gru"), quantization="float32")
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 390, "height": 844})
    complaints: list[str] = []
    with serve_https(files, host="127.0.0.1", port=0) as served:
        try:
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: complaints.append(said.text) if "Policy" in said.text else None)
            page.add_init_script(replay_script)
            page.goto(served.url)
            page.evaluate("har.ready")
            samples = [[0.1 * (index % 7), 9.8, 0.2] for index in range(200)]
            times = [100 + index * 1000 / 60 for index in range(200)]
            page.evaluate("([samples, times]) => replay(samples, times)", [samples, times])
            assert page.evaluate("found.length") > 0
            assert "its hash is right" in page.inner_text("#facts")
        finally:
            context.close()
    assert complaints == []


def send_a_take(browser, url: str, replay_script: str) -> str:
    """Record for five seconds in a page, send it, and return what the page says of that."""
    context = browser.new_context(ignore_https_errors=True)
    try:
        page = context.new_page()
        page.clock.install()
        page.add_init_script(replay_script + "hasSensor = true;")
        page.goto(url)
        page.evaluate("har.ready")
        page.evaluate(
            "() => setInterval(() => replay([[0.1, 9.8, 0.3]], [performance.now()]), 16)",
        )
        page.click("#start") if page.is_visible("#start") else None
        page.check("input[value='Sitting']")
        page.fill("#seconds", "5")
        page.click("#record")
        for _ in range(30):
            page.clock.run_for(500)
        page.wait_for_selector("#takes tr")
        page.click("#send")
        page.wait_for_function("() => /The laptop/.test(document.getElementById('recording-notices').textContent)")
        return str(page.inner_text("#recording-notices"))
    finally:
        context.close()


@pytest.mark.parametrize("largest_bytes", [LARGEST_BYTES, 100])
def test_the_page_sends_recordings_to_the_laptop(
    browser, compiled_bundle, replay_script, tmp_path: Path, largest_bytes: int
) -> None:
    files = phone_files(compiled_bundle("simple_rnn"), quantization="float32")
    inbox = Inbox(tmp_path / "in", largest_bytes=largest_bytes)
    with serve_https(files, host="127.0.0.1", port=0, inbox=inbox) as served:
        said = send_a_take(browser, f"{served.url}#{inbox.token}", replay_script)
    kept = list((tmp_path / "in").glob("*.csv"))
    if largest_bytes == 100:
        assert "send fewer takes" in said
        assert kept == []
        return
    assert f"The laptop has it: {kept[0].name}" in said
    done = subprocess.run(
        [sys.executable, "-m", "edgehar", "data", "import", str(kept[0]), "--out", str(tmp_path / "store"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["activities"] == ["Sitting"]


def test_only_a_page_with_the_code_offers_to_send(browser, compiled_bundle) -> None:
    files = phone_files(compiled_bundle("simple_rnn"), quantization="float32")
    context = browser.new_context(ignore_https_errors=True)
    with serve_https(files, host="127.0.0.1", port=0) as served:
        try:
            page = context.new_page()
            page.goto(served.url)
            page.evaluate("har.ready")
            assert page.evaluate("document.getElementById('send').hidden")
        finally:
            context.close()
