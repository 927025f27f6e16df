"""Labels through a real broker: mosquitto, on a free port of this machine."""

import gc
import getpass
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.live.sinks.home_assistant import announcements
from edgehar.firmware_bridge.live.sinks.mqtt import MqttSink
from edgehar.firmware_bridge.stream.samples import StreamCounts
from edgehar.models.errors import BridgeError, UsageError

LABELS = ("Sitting", "Walking")
FIRST = Prediction(1.99, "Sitting", 0.75, (0.75, 0.25), 0, 0.0012, "Sitting")
BROKER = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

pytest.importorskip("paho.mqtt", reason="the package paho-mqtt is not installed")
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the Debian package openssl is not installed")
needs_broker = pytest.mark.skipif(BROKER is None, reason="the Debian package mosquitto is not installed")


def free_port() -> int:
    """Return a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A mosquitto that can be ended and started again."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._settings = folder / "mosquitto.conf"
        lines = (f"listener {self.port} 127.0.0.1", "allow_anonymous true", *settings)
        self._settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run until it answers."""
        self._process = subprocess.Popen([str(BROKER), "-c", str(self._settings)], stderr=subprocess.DEVNULL)
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("mosquitto did not start")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that runs."""
    found = Broker(tmp_path)
    found.start()
    try:
        yield found
    finally:
        found.stop()


class Listener:
    """A client that keeps what it hears."""

    def __init__(self, port: int, topics: str = "home/#") -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.heard: list[tuple[str, str]] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe(topics, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(60)

    def _message(self, _client: object, _data: object, message: Any) -> None:
        self.heard.append((message.topic, message.payload.decode()))

    def wait(self, topic: str, count: int) -> list[str]:
        """Return what was said on a topic, once there is enough of it."""
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            found = [payload for name, payload in self.heard if name == topic]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"expected {count} messages on {topic}, got {self.heard}")

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


def status(elapsed_s: float) -> LiveStatus:
    """Return how a session stands."""
    return LiveStatus(elapsed_s, 1, StreamCounts(samples=200), None, 0.0, False, False, 0.001, 0.001, 0.002)


@needs_broker
def test_labels_state_and_session(broker: Broker) -> None:
    listener = Listener(broker.port)
    sink = MqttSink(f"mqtt://127.0.0.1:{broker.port}/home/wearer", labels=LABELS, model_id="lstm-1")
    sink.predicted(FIRST)
    for elapsed_s in (0.0, 0.2, 9.0, 10.5):
        sink.progressed(status(elapsed_s))
    (label,) = [json.loads(text) for text in listener.wait("home/wearer/label", 1)]
    assert (label["label"], label["probability"], label["lost_samples"], label["t_s"]) == ("Sitting", 0.75, 0, 1.99)
    assert label["utc"].endswith("+00:00")
    sessions = [json.loads(text) for text in listener.wait("home/wearer/session", 2)]
    assert [session["elapsed_s"] for session in sessions] == [0.0, 10.5]
    assert (sessions[0]["model"], sessions[0]["samples"]) == ("lstm-1", 200)
    sink.close()
    sink.close()
    assert listener.wait("home/wearer/state", 2) == ["online", "offline"]
    listener.close()


@needs_broker
def test_home_assistant_finds_the_sensor_even_if_it_starts_later(broker: Broker) -> None:
    url = f"mqtt://127.0.0.1:{broker.port}/home/wearer"
    MqttSink(url, labels=LABELS, model_id="lstm-1", announce=True).close()
    late = Listener(broker.port, "homeassistant/#")
    expected = announcements("home/wearer", labels=LABELS, model_id="lstm-1")
    for topic, payload in expected.items():
        assert json.loads(late.wait(topic, 1)[0]) == payload
    late.close()


@needs_broker
def test_labels_wait_for_a_broker_that_went_away(broker: Broker) -> None:
    sink = MqttSink(f"mqtt://127.0.0.1:{broker.port}/home/wearer", labels=LABELS, model_id="lstm-1")
    broker.stop()
    began_s = time.monotonic()
    for _ in range(20):
        sink.predicted(FIRST)
    assert time.monotonic() - began_s < 5, "classifying must not wait for the broker"
    broker.start()
    listener = Listener(broker.port)
    assert len(listener.wait("home/wearer/label", 15)) >= 15
    assert sink.unpublished == 0
    sink.close()
    listener.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody else has signed, with its key beside it."""
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture
def encrypted(tmp_path: Path, certificate: Path) -> Iterator[Broker]:
    """A broker that speaks TLS."""
    key = certificate.with_name("key.pem")
    # Started by root it would become a user who may not read the key.
    found = Broker(tmp_path, f"user {getpass.getuser()}", f"certfile {certificate}", f"keyfile {key}")
    found.start()
    try:
        yield found
    finally:
        found.stop()


@needs_broker
@needs_openssl
def test_tls_with_a_certificate_that_is_trusted(
    encrypted: Broker, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    sink = MqttSink(f"mqtts://127.0.0.1:{encrypted.port}/home", labels=LABELS, model_id="x")
    sink.predicted(FIRST)
    sink.close()
    assert sink.unpublished == 0


@needs_broker
@needs_openssl
@pytest.mark.filterwarnings("ignore:unclosed <s:ResourceWarning")  # paho-mqtt forgets the sockets of a refused client.
@pytest.mark.parametrize(
    ("host", "trusted", "said"),
    [("127.0.0.1", False, "self-signed certificate"), ("localhost", True, "certificate is not valid for 'localhost'")],
)
def test_a_broker_whose_certificate_proves_nothing_is_refused(
    encrypted: Broker, certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool, said: str
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(BridgeError, match=f"expected an MQTT broker at {host}:.*{said}"):
        MqttSink(f"mqtts://{host}:{encrypted.port}/home", labels=LABELS, model_id="x")
    gc.collect()


def test_no_broker_is_one_sentence() -> None:
    with pytest.raises(BridgeError, match=r"expected an MQTT broker at 127\.0\.0\.1:\d+, got: .*refused") as caught:
        MqttSink(f"mqtt://127.0.0.1:{free_port()}/home", labels=LABELS, model_id="x")
    assert "HAR_MQTT_PASSWORD" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "localhost",
        "http://localhost/x",
        "mqtt://localhost",
        "mqtt://localhost/",
        "mqtt://h/a/#",
        "mqtt://h:99999/x",
        "mqtt://h/a/%23",
        "mqtt://h/%2B/b",
        "mqtt://h/a%00b",
        "mqtt://h/a%1b]0;b",
        "mqtt://h/a%C2%9Bb",
        "mqtt://h/a%ff",
        "mqtt://h/$SYS/b",
        "mqtt://h/" + 65_530 * "a",
    ],
)
def test_other_addresses_are_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError, match=r"expected a broker as mqtt://"):
        MqttSink(url, labels=LABELS, model_id="x")


def test_a_password_in_the_address_is_refused() -> None:
    with pytest.raises(UsageError, match="HAR_MQTT_PASSWORD") as caught:
        MqttSink("mqtt://me:secret@localhost/home", labels=LABELS, model_id="x")
    assert "secret" not in str(caught.value)
