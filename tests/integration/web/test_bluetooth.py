"""A sensor over Bluetooth in the page: a fake device with a Nordic UART is fed what the simulator writes."""

import base64
from typing import Any

import numpy as np
import pytest

from edgehar.firmware_bridge.simulate.text_writer import TextWriter
from edgehar.models.engines import load_engine
from edgehar.models.units import parse_unit

FAKE = """
window.radio = { written: [], connects: 0, refuse: 0 };
const inlet = new EventTarget();
Object.assign(inlet, { startNotifications: async () => inlet });
const outlet = { writeValueWithResponse: async (bytes) => { radio.written.push(Array.from(bytes)); } };
const device = Object.assign(new EventTarget(), { name: "fake" });
device.gatt = {
  connected: false,
  async connect() {
    radio.connects++;
    if (radio.refuse-- > 0) throw new DOMException("out of range", "NetworkError");
    if (radio.without) throw new DOMException("no such service", "NotFoundError");
    device.gatt.connected = true;
    return device.gatt;
  },
  disconnect() { device.gatt.connected = false; radio.left = true; },
  getPrimaryService: async () => ({
    getCharacteristic: async (id) => (id.startsWith("6e400003") ? inlet : outlet),
  }),
};
Object.defineProperty(navigator, "bluetooth", { value: { requestDevice: async () => device } });
window.notify = (text) => {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  for (let at = 0; at < bytes.length; at += 20) {
    inlet.value = new DataView(bytes.slice(at, at + 20).buffer);
    inlet.dispatchEvent(new Event("characteristicvaluechanged"));
  }
};
window.goAway = (tries) => {
  radio.refuse = tries;
  device.gatt.connected = false;
  device.dispatchEvent(new Event("gattserverdisconnected"));
};
"""


@pytest.fixture
def page(open_page, phone_folder, replay_script) -> Any:
    """The page with a fake device that was picked."""
    opened = open_page(phone_folder(), script=replay_script + FAKE)
    opened.click("#bluetooth")
    opened.wait_for_selector("#stop", state="visible")
    return opened


def notify(page: Any, data: bytes) -> None:
    """Let bytes come over the air, twenty at once."""
    page.evaluate("notify", base64.b64encode(data).decode())


def movement(count: int) -> np.ndarray:
    """Return samples in g of a sensor that is worn."""
    return np.random.default_rng(6).normal((0.1, -0.2, 0.95), 0.2, (count, 3)).astype(np.float32)


def test_lines_over_the_air_get_live_labels(page, compiled_bundle) -> None:
    samples_g = movement(600)
    writer = TextWriter(unit=parse_unit("raw:4096"), rate_hz=100.0, timestamps=True)
    notify(page, b"".join([writer.header, *writer.lines(samples_g, first=0)]))
    page.wait_for_timeout(2500)
    notify(page, b"".join(writer.lines(samples_g, first=600)))
    found = page.evaluate("found")
    assert len(found) >= 5
    windows = np.reshape([each["samples"] for each in found], (-1, 200, 3)).astype(np.float32)
    probabilities = load_engine(compiled_bundle("simple_rnn"), "native", "float32").predict(windows)
    np.testing.assert_allclose([each["probabilities"] for each in found], probabilities, atol=1e-5)
    assert page.evaluate("radio.written") == [], "nothing is written to a device that speaks text"
    page.click("#stop")
    page.wait_for_function("() => radio.left")


def test_a_device_out_of_reach_is_found_again(page) -> None:
    page.evaluate("goAway(1)")
    page.wait_for_selector("#notices li:has-text('out of reach')")
    page.wait_for_function("() => radio.connects === 3", timeout=60_000)
    assert page.is_visible("#stop")


def test_a_device_that_stays_away_is_said(page) -> None:
    page.evaluate("goAway(99)")
    page.wait_for_selector("#notices li.warn:has-text('gone')", timeout=60_000)
    assert page.is_visible("#start")


def test_a_device_without_the_service_is_said(open_page, phone_folder, replay_script) -> None:
    page = open_page(phone_folder(), script=replay_script + FAKE + "radio.without = true;")
    page.click("#bluetooth")
    page.wait_for_selector("#notices li.warn:has-text('no Nordic UART')")
    assert page.is_visible("#start")


def test_one_question_is_asked_for_numbers_without_names(page) -> None:
    assert page.is_hidden("#columns-form")
    # Both halves may be acceleration.
    lines = b"0.1,-0.2,0.95,0.95,0.1,-0.2\n" * 420
    notify(page, lines)
    page.wait_for_selector("#columns-form", state="visible")
    page.fill("#columns", "2 2 9")
    page.click("#columns-form button")
    page.wait_for_selector("#notices li.warn:has-text('three different numbers')")
    page.wait_for_selector("#notices li.warn:has-text('“0.1,-0.2,0.95,0.95,0.1,-0.2”')")
    page.fill("#columns", "4 5 6")
    page.click("#columns-form button")
    page.wait_for_selector("#columns-form", state="hidden")
    notify(page, lines)
    page.wait_for_selector("#gravity:has-text('0.9')")
