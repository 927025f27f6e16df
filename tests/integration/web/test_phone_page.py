"""The phone page in Chromium: a replayed person gets Python's labels, and every trouble is one sentence on the page."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgehar.firmware_bridge.live.pipeline import LivePipeline
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.models.contract import STANDARD_GRAVITY_M_S2
from edgehar.models.decoder import Decoder
from edgehar.models.engines import load_engine
from edgehar.models.reference import forward
from edgehar.pipeline.data.readers import load_dataset

DATA = Path(os.environ.get("HAR_DATA") or Path(__file__).parents[3] / ".." / "shared" / "datasets") / "usc-had"
PHONE_HZ = 60.0
PHONE = {"viewport": {"width": 390, "height": 844}}
STILL = [[0.0, 9.8, 0.4]]


def phone_stream(samples_g: NDArray[np.float32], rate_hz: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a recording as Chromium gives it: 60 Hz, in steps of 0.1 m/s², times in tenths of a millisecond."""
    times_s = np.arange(int(len(samples_g) / rate_hz * PHONE_HZ)) / PHONE_HZ
    at = np.arange(len(samples_g)) / rate_hz
    taken = np.stack([np.interp(times_s, at, samples_g[:, axis]) for axis in range(3)], axis=1)
    jitter_s = np.random.default_rng(0).uniform(-5e-4, 5e-4, len(times_s))
    return np.round(taken * STANDARD_GRAVITY_M_S2, 1), np.round(1000 * (times_s + jitter_s + 1), 1)


def page_rate_hz(times_ms: NDArray[Any]) -> float:
    """Return the rate the page takes from its first samples, none of which is missing."""
    return float(29_000 / (times_ms[29] - times_ms[0]))


def still(count: int) -> tuple[list[list[float]], list[float]]:
    """Return a phone that is held upright and still, with the noise of a real one."""
    generator = np.random.default_rng(1)
    samples = np.round(np.array(STILL) + generator.normal(0, 0.15, (count, 3)), 1)
    return samples.tolist(), [100 + index * 1000 / PHONE_HZ for index in range(count)]


def wait_until(page: Any, condition: str) -> None:
    """Wait until a condition holds; Playwright's own way evaluates strings in the page, which its policy forbids."""
    deadline = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def listen(page: Any) -> None:
    """Let the page begin to listen, or begin anew."""
    if page.is_visible("#stop"):
        page.click("#stop")
    page.click("#start")
    page.wait_for_selector("#stop", state="visible")


@pytest.fixture(scope="module")
def person() -> list[tuple[NDArray[np.float32], float]]:
    """Eight recordings of one person, of different activities."""
    if not DATA.is_dir():
        pytest.skip("the data set usc-had is not here; set HAR_DATA to the folder that holds it")
    recordings = [each for each in load_dataset(DATA).recordings if each.subject == "3"]
    return [(each.samples[:2000], each.rate_hz) for each in recordings[::8]]


def test_a_model_of_six_channels_reads_the_gyroscope_as_the_browser_gives_it(
    open_page, phone_folder, compiled_bundle, replay_script
) -> None:
    """An emulated sensor turns by one, two and three radians/s about x, y and z; the browser says degrees."""
    page = open_page(phone_folder("simple_rnn-6"), script=replay_script, **PHONE)
    devtools = page.context.new_cdp_session(page)
    readings = {"accelerometer": (0.5, 9.7, 1.0), "gyroscope": (1.0, 2.0, 3.0)}
    for kind in readings:
        options = {"enabled": True, "type": kind, "metadata": {"available": True}}
        devtools.send("Emulation.setSensorOverrideEnabled", options)
    page.reload()
    page.evaluate("har.ready")
    listen(page)
    deadline = time.monotonic() + 60
    while not page.evaluate("found.length"):
        assert time.monotonic() < deadline
        # A reading that changes nothing is none.
        for kind, values in readings.items():
            noisy = np.add(values, np.random.default_rng(time.monotonic_ns()).normal(0, 0.01, 3)).tolist()
            reading = {"xyz": dict(zip("xyz", noisy, strict=True))}
            devtools.send("Emulation.setSensorOverrideReadings", {"type": kind, "reading": reading})
        page.wait_for_timeout(15)
    (found, *_) = page.evaluate("found")
    window = np.reshape(found["samples"], (1, 200, 6)).astype(np.float32)
    np.testing.assert_allclose(window[0, 20:, 3:].mean(axis=0), np.degrees([1, 2, 3]), rtol=0.05)
    np.testing.assert_allclose(window[0, 20:, :3].mean(axis=0) * STANDARD_GRAVITY_M_S2, (0.5, 9.7, 1.0), atol=0.1)
    bundle = compiled_bundle("simple_rnn-6")
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, window)
    np.testing.assert_allclose(found["probabilities"], expected[0], atol=1e-5)
    wait_until(page, "Math.abs(Number(document.getElementById('gz').textContent) - 172) < 8")
    assert page.evaluate("document.getElementById('turning-trace').width") > 100
    page.check("#inverted")
    wait_until(page, "Number(document.getElementById('y').textContent) < -0.9")
    assert float(page.inner_text("#gz")) > 160, "the sign of acceleration says nothing of turning"


def test_a_phone_without_a_gyroscope_is_told_what_is_missing(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder("simple_rnn-6"), script=replay_script, **PHONE)
    listen(page)
    page.evaluate("window.hasSensor = true")
    page.evaluate("([samples, times]) => replay(samples, times)", list(still(60)))
    page.wait_for_timeout(700)
    assert "the turning rate of a gyroscope is needed as well" in page.inner_text("#notices")
    assert page.evaluate("found.length") == 0
    samples, times = still(200)
    turning = [[*sample, 90.0, 0.0, -90.0] for sample in samples]
    page.evaluate("([samples, times]) => replay(samples, times)", [turning, [2000 + each for each in times]])
    assert page.evaluate("found.length") > 0
    page.wait_for_timeout(700)
    assert "gyroscope" not in page.inner_text("#notices")


@pytest.mark.parametrize(("name", "quantization"), [("lstm", "float32"), ("gru", "int8")])
def test_a_replayed_person_gets_the_labels_of_python(
    open_page, phone_folder, compiled_bundle, replay_script, person, name: str, quantization: str
) -> None:
    bundle = compiled_bundle(name)
    engine = load_engine(bundle, "native", quantization)
    page = open_page(phone_folder(name, quantization=quantization), script=replay_script, **PHONE)
    window = bundle.manifest.window
    compared = 0
    for samples_g, rate_hz in person:
        samples, times_ms = phone_stream(samples_g, rate_hz)
        listen(page)
        page.evaluate("found.length = 0")
        page.evaluate("([samples, times]) => replay(samples, times)", [samples.tolist(), times_ms.tolist()])
        found = page.evaluate("found")
        live = LivePipeline(
            engine,
            labels=bundle.manifest.labels,
            window_length=window.length,
            hop=50,
            model_rate_hz=window.rate_hz,
            source_rate_hz=page_rate_hz(times_ms),
            decoder=Decoder.of_model(bundle.manifest, hop=50),
        )
        block = SampleBlock((samples / STANDARD_GRAVITY_M_S2).astype(np.float32), times_ms / 1000, arrived_s=0.0)
        expected = live.feed(block)
        assert len(found) == len(expected) > 5
        np.testing.assert_allclose([each["endS"] for each in found], [each.t_s for each in expected], atol=1e-6)
        windows = np.reshape([each["samples"] for each in found], (len(found), window.length, 3)).astype(np.float32)
        probabilities = np.array([each["probabilities"] for each in found])
        on_same_windows = engine.predict(windows)
        if quantization == "int8":
            assert np.array_equal(probabilities, on_same_windows)
        else:
            np.testing.assert_allclose(probabilities, on_same_windows, atol=1e-5)
        np.testing.assert_allclose(probabilities, [each.probabilities for each in expected], atol=1e-3)
        best = [bundle.manifest.labels[row.argmax()] for row in on_same_windows]
        assert [each["label"] for each in found] == best
        assert page.inner_text("#label") == best[-1]
        compared += len(found)
    assert compared > 100


def test_a_person_who_moves_an_emulated_sensor_gets_the_oracles_labels(
    open_page, phone_folder, compiled_bundle, replay_script, person
) -> None:
    """Readings go through the browser's own sensor, its rounding and its clock."""
    page = open_page(phone_folder(), script=replay_script, **PHONE)
    devtools = page.context.new_cdp_session(page)
    devtools.send(
        "Emulation.setSensorOverrideEnabled",
        {"enabled": True, "type": "accelerometer", "metadata": {"available": True}},
    )
    page.reload()
    page.evaluate("har.ready")
    readings = iter(np.concatenate([samples_g for samples_g, _ in person]) * STANDARD_GRAVITY_M_S2)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not page.evaluate("found.length > 3"):
        reading = {"xyz": dict(zip("xyz", next(readings).astype(float).tolist(), strict=True))}
        devtools.send("Emulation.setSensorOverrideReadings", {"type": "accelerometer", "reading": reading})
        page.wait_for_timeout(10)
    found = page.evaluate("found")
    assert len(found) > 1
    bundle = compiled_bundle("simple_rnn")
    windows = np.reshape([each["samples"] for each in found], (-1, 200, 3)).astype(np.float32)
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows)
    np.testing.assert_allclose([each["probabilities"] for each in found], expected, atol=1e-5)
    decoder = Decoder.of_model(bundle.manifest, hop=50)
    assert [each["label"] for each in found] == [decoder.decode(row).label for row in expected]
    assert "Hz" in page.inner_text("#source")
    assert "0.1 m/s²" in page.inner_text("#facts")


def test_a_page_that_runs_for_long_does_not_grow(open_page, phone_folder, replay_script) -> None:
    """Half an hour of readings, in a few seconds: as many nodes as after one minute, and no more memory."""
    collected = "document.addEventListener('har-label', () => { window.found.length = 0; });"
    page = open_page(phone_folder(), script=replay_script + "hasSensor = true;" + collected, **PHONE)
    devtools = page.context.new_cdp_session(page)

    def play(minutes: int, first: int) -> tuple[int, int]:
        for minute in range(first, first + minutes):
            samples, times = still(3600)
            shifted = [time_ms + 60_000 * minute for time_ms in times]
            page.evaluate("([samples, times]) => replay(samples, times)", [samples, shifted])
        page.wait_for_timeout(300)
        devtools.send("HeapProfiler.collectGarbage")
        heap = devtools.send("Runtime.getHeapUsage")["usedSize"]
        return page.evaluate("document.querySelectorAll('*').length"), heap

    nodes, before = play(2, 0)
    nodes_after, after = play(28, 2)
    assert nodes_after == nodes
    assert after - before < 500_000


def test_the_generic_sensor_stands_in_where_no_event_comes(open_page, phone_folder, replay_script) -> None:
    generic = """
    window.hasSensor = true;
    window.Accelerometer = class extends EventTarget {
      start() {
        this.timer = setInterval(() => {
          Object.assign(this, { x: 0.1 * Math.sin(performance.now()), y: 9.8, z: 0.2, timestamp: performance.now() });
          this.dispatchEvent(new Event("reading"));
        }, 1000 / 60);
      }
      stop() { clearInterval(this.timer); }
    };
    """
    page = open_page(phone_folder(), script=replay_script + generic, **PHONE)
    wait_until(page, "found.length > 0")
    assert page.inner_text("#notices") == ""


def test_no_accelerometer_is_said(open_page, phone_folder) -> None:
    page = open_page(phone_folder(), **PHONE)
    page.wait_for_selector("#notices li.warn")
    assert "no accelerometer" in page.inner_text("#notices")
    assert page.inner_text("#label") == "No readings"


def test_null_is_no_reading(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder(), script=replay_script, **PHONE)
    page.evaluate("replay([[null, null, null]], [10])")
    page.wait_for_selector("#notices li.warn")
    assert "empty readings" in page.inner_text("#notices")
    samples, times = still(200)
    page.evaluate("([samples, times]) => replay(samples, times)", [samples, times])
    wait_until(page, "found.length > 0")
    assert "empty readings" not in page.inner_text("#notices")


def test_a_refusal_is_said_and_can_be_taken_back(open_page, phone_folder, replay_script) -> None:
    asked = """
    Object.defineProperty(navigator, "permissions", { value: { query: async () => ({ state: "prompt" }) } });
    window.answer = "denied";
    DeviceMotionEvent.requestPermission = async () => window.answer;
    """
    page = open_page(phone_folder(), script=replay_script + asked + "hasSensor = true;", **PHONE)
    assert page.inner_text("#label") == "Not started"
    page.click("#start")
    page.wait_for_selector("#notices li.warn")
    assert "Allow motion sensors" in page.inner_text("#notices")
    page.evaluate("window.answer = 'granted'")
    page.click("#start")
    page.wait_for_selector("#stop", state="visible")
    assert page.inner_text("#notices") == ""


def test_plain_http_is_said(browser, serve, phone_folder) -> None:
    with serve(phone_folder()) as url:
        page = browser.new_page()
        try:
            page.goto(url.replace("127.0.0.1", "plain.test"))
            page.evaluate("har.ready")
            assert "plain HTTP" in page.inner_text("#notices")
            assert "unchecked" in page.inner_text("#facts")
            # The model itself runs there, too.
            assert len(page.evaluate("Array.from(har.predict(new Float32Array(600)))")) == 12
        finally:
            page.close()


def test_an_iphones_sign_is_turned_and_a_wrong_one_asked_about(open_page, phone_folder, replay_script) -> None:
    apple = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
    page = open_page(phone_folder(), script=replay_script, user_agent=apple, **PHONE)
    assert page.is_checked("#inverted")
    listen(page)
    upright_on_ios = [[-x, -y, -z] for x, y, z in still(60)[0]]
    page.evaluate("([samples, times]) => replay(samples, times)", [upright_on_ios, still(60)[1]])
    wait_until(page, "Number(document.getElementById('y').textContent) > 0.9")
    assert "opposite sign" not in page.inner_text("#notices")
    listen(page)
    later = [time_ms + 5000 for time_ms in still(60)[1]]
    page.evaluate("([samples, times]) => replay(samples, times)", [still(60)[0], later])
    page.wait_for_selector("#notices li.warn")
    assert "opposite sign" in page.inner_text("#notices")


def test_a_hidden_page_begins_anew_and_says_so(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder(), script=replay_script, **PHONE)
    samples, times = still(180)
    page.evaluate("([samples, times]) => replay(samples, times)", [samples, times])
    assert page.evaluate("found.length") > 0
    hide = "(hidden) => {{ Object.defineProperty(document, 'hidden', {{ value: hidden, configurable: true }}); {} }}"
    page.evaluate(hide.format("document.dispatchEvent(new Event('visibilitychange'))"), True)
    page.evaluate(hide.format("document.dispatchEvent(new Event('visibilitychange'))"), False)
    assert "was hidden" in page.inner_text("#notices")
    before = page.evaluate("found.length")
    more = [times[-1] + 20 + index * 1000 / PHONE_HZ for index in range(100)]
    page.evaluate("([samples, times]) => replay(samples, times)", [samples[:100], more])
    assert page.evaluate("found.length") == before, "no window may span the time that was not seen"


def test_a_hole_in_the_readings_is_counted(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder(), script=replay_script, **PHONE)
    samples, times = still(400)
    kept = [index for index in range(400) if index not in (150, *range(200, 230))]
    page.evaluate("([s, t]) => replay(s, t)", [[samples[index] for index in kept], [times[index] for index in kept]])
    wait_until(page, "document.getElementById('facts').textContent.includes('31 samples')")
    assert "a hole began a new window" in page.inner_text("#facts")


def test_gravity_that_is_missing_is_doubted(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder(), script=replay_script, **PHONE)
    samples, times = still(150)
    page.evaluate("([s, t]) => replay(s, t)", [[[x, y / 5, z] for x, y, z in samples], times])
    page.wait_for_selector("#notices li.warn")
    assert "Gravity should be 1 g" in page.inner_text("#notices")


def test_a_second_tab_is_said_in_both(open_page, phone_folder) -> None:
    page = open_page(phone_folder(), **PHONE)
    other = page.context.new_page()
    other.goto(page.url)
    for each in (page, other):
        wait_until(each, "document.getElementById('notices').textContent.includes('another tab')")
    other.close()


@pytest.mark.parametrize("trouble", ["the file is missing", "the browser is old"])
def test_a_page_that_cannot_be_opened_says_so(browser, serve, phone_folder, trouble: str) -> None:
    """Its modules come packed: without them there is only what the first script knows."""
    folder = phone_folder()
    context = browser.new_context(**PHONE)
    try:
        with serve(folder) as url:
            page = context.new_page()
            if trouble == "the browser is old":
                page.add_init_script("delete globalThis.DecompressionStream")
            else:
                (folder / "page.json").unlink()
            page.goto(url)
            page.wait_for_selector("#notices li.warn")
            assert "The page cannot be opened" in page.inner_text("#notices")
            said = page.evaluate("(() => { try { har.predict([]) } catch (error) { return error.message } })()")
            assert "wait for window.har.ready" in said
    finally:
        context.close()


def test_it_works_with_the_server_stopped(browser, serve, phone_folder, replay_script) -> None:
    context = browser.new_context(**PHONE)
    try:
        with serve(phone_folder("lstm")) as url:
            page = context.new_page()
            page.add_init_script(replay_script)
            page.goto(url)
            page.evaluate("har.ready")
            assert "works" in page.inner_text("#facts")
            errors = context.new_cdp_session(page).send("Page.getInstallabilityErrors")["installabilityErrors"]
            assert [each["errorId"] for each in errors if each["errorId"] != "in-incognito"] == []
            manifest = context.new_cdp_session(page).send("Page.getAppManifest")
            assert manifest["errors"] == []
        page.reload()
        page.evaluate("har.ready")
        samples, times = still(200)
        page.evaluate("([samples, times]) => replay(samples, times)", [samples, times])
        wait_until(page, "found.length > 0")
    finally:
        context.close()


def test_labels_are_text(open_page, phone_folder, compiled_bundle, replay_script) -> None:
    hostile = '<img src=x onerror="window.attacked = 1"><script>window.attacked = 1</script>'
    labels = (hostile, *compiled_bundle("simple_rnn").manifest.labels[1:])
    window = replace(compiled_bundle("simple_rnn").manifest.window, mounting="<b>hip</b>")
    page = open_page(phone_folder(labels=labels, window=window, model_id="<i>x</i>"), script=replay_script, **PHONE)
    assert hostile in page.inner_text("#probabilities")
    assert hostile in page.inner_text("#activities")
    assert "<b>hip</b>" in page.inner_text("#limits")
    assert page.evaluate("document.querySelectorAll('img, main b, main i:not(.bar i)').length") == 0
    assert page.evaluate("window.attacked") is None


def test_another_bundle_can_be_loaded_from_the_console(open_page, phone_folder) -> None:
    folder = phone_folder("lstm")
    (phone_folder("gru", quantization="int8") / "bundle").rename(folder / "other")
    page = open_page(folder, **PHONE)
    assert page.inner_text("#facts").count("lstm") == 1
    assert page.evaluate("har.load('other/')")["modelId"].startswith("gru")
    assert "gru" in page.inner_text("#facts")
    assert "integers" in page.inner_text("#facts")
    refused = page.evaluate("har.load('nowhere/').catch((error) => error.message)")
    assert "the server says 404" in refused
    assert "gru" in page.inner_text("#facts"), "what could not be loaded replaces nothing"
