"""The page as `har phone --serve` gives it out: over HTTPS that no authority of the browser vouches for."""

import pytest

pytest.importorskip("trustme", reason="trustme is not installed: edgehar[phone]")

from edgehar.firmware_bridge.web.https_server import serve_https
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
