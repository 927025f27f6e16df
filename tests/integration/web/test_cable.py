"""A sensor on a cable in the page: a fake port that is fed the bytes of the project's own simulated device."""

import base64
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.simulate.frame_sensor import FrameSensor, SensorSpec
from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.models.engines import load_engine
from edgehar.models.units import parse_unit

DESK = {"viewport": {"width": 1280, "height": 900}}
FAKE = """
window.port = { written: [], opened: null, closed: 0 };
const fake = {
  async open(options) {
    if (window.port.busy) throw new DOMException("it is already open", "InvalidStateError");
    window.port.opened = options;
    fake.readable = new ReadableStream({ start: (controller) => { window.port.controller = controller; } });
    fake.writable = new WritableStream({ write: (bytes) => { window.port.written.push(...bytes); } });
  },
  async close() { window.port.closed++; fake.readable = fake.writable = null; },
};
Object.defineProperty(navigator, "serial", { value: { requestPort: async () => fake } });
window.fakeIsOpen = () => Boolean(fake.readable);
window.arrive = (text) => window.port.controller.enqueue(Uint8Array.from(atob(text), (each) => each.charCodeAt(0)));
window.unplug = () => window.port.controller.error(new DOMException("The device has been lost.", "NetworkError"));
"""


@pytest.fixture
def page(open_page, phone_folder, replay_script) -> Any:
    """The page with a fake port that was picked."""
    opened = open_page(phone_folder(), script=replay_script + FAKE, **DESK)
    opened.click("#serial")
    opened.wait_for_selector("#stop", state="visible")
    return opened


def arrive(page: Any, data: bytes) -> None:
    """Let bytes come from the device."""
    page.evaluate("arrive", base64.b64encode(data).decode())


def movement(count: int) -> np.ndarray:
    """Return samples in g of a sensor that is worn."""
    return np.random.default_rng(6).normal((0.1, -0.2, 0.95), 0.2, (count, 3)).astype(np.float32)


def test_the_simulated_device_gets_live_labels(page, compiled_bundle, tmp_path: Path) -> None:
    """Bytes go both ways between the page and the simulated device."""
    samples_g = movement(1200)
    sensor = FrameSensor(
        tmp_path / "port", samples_g, spec=SensorSpec(unit=parse_unit("raw:8192"), rate_hz=100.0), seed=3, speed=0
    )
    line = open_transport(sensor.name)
    player = threading.Thread(target=sensor.run)
    player.start()
    silent = 0
    try:
        while player.is_alive() or silent < 3:
            data = line.read(timeout_s=0.1)
            silent = 0 if data else silent + 1
            if data:
                arrive(page, data)
    finally:
        player.join()
        line.close()
        sensor.close()
    found = page.evaluate("found")
    assert len(found) > 15
    windows = np.reshape([each["samples"] for each in found], (-1, 200, 3)).astype(np.float32)
    sent = np.round(samples_g * 8192) / 8192
    expected = np.stack([sent[start : start + 200] for start in range(0, 1001, 50)])[: len(found)]
    np.testing.assert_allclose(windows, expected, atol=1e-6)
    probabilities = load_engine(compiled_bundle("simple_rnn"), "native", "float32").predict(windows)
    np.testing.assert_allclose([each["probabilities"] for each in found], probabilities, atol=1e-5)
    assert page.evaluate("port.opened.baudRate") == 115200
    page.wait_for_selector("#facts dd:has-text('binary frames')")


def test_lines_of_text_get_live_labels_and_nothing_is_written(page) -> None:
    writer = TextWriter(unit=parse_unit("m/s2"), rate_hz=100.0, timestamps=True)
    arrive(page, writer.header + b"".join(writer.lines(movement(500), first=0)))
    arrive(page, b"".join(writer.lines(movement(100), first=500)))
    page.wait_for_selector(
        "#facts dd:has-text('text lines, 4 numbers a line: x is x, y is y, z is z, time in us, in m/s2')"
    )
    assert page.evaluate("found.length") > 5
    assert page.evaluate("port.written") == []


def test_a_cable_that_is_pulled_is_said_and_the_page_goes_on(page) -> None:
    page.evaluate("unplug()")
    page.wait_for_selector("#notices li.warn")
    assert "The sensor is gone" in page.inner_text("#notices")
    assert page.is_visible("#start")
    page.click("#serial")
    page.wait_for_selector("#stop", state="visible")
    assert "is gone" not in page.inner_text("#notices")
    page.click("#stop")
    page.wait_for_selector("#start", state="visible")
    assert page.evaluate("port.closed") == 2
    assert "is gone" not in page.inner_text("#notices")


def test_another_port_can_be_chosen_meanwhile(page) -> None:
    page.click("#serial")
    page.wait_for_timeout(300)
    assert page.is_visible("#stop")
    assert page.evaluate("[port.closed, fakeIsOpen()]") == [1, True]


def test_a_busy_port_is_said(page) -> None:
    page.click("#stop")
    page.wait_for_selector("#start", state="visible")
    page.evaluate("port.busy = true")
    page.click("#serial")
    page.wait_for_selector("#notices li.warn")
    assert "cannot be opened" in page.inner_text("#notices")


def test_noise_asks_for_the_baud_rate(page) -> None:
    arrive(page, np.random.default_rng(1).integers(0, 256, 4000).astype(np.uint8).tobytes())
    page.wait_for_selector("#notices li.warn")
    assert "baud rate" in page.inner_text("#notices")
