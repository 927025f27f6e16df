"""Labels to an MQTT broker, for home automation and dashboards. Needs the extra ``mqtt``.

=================  ========  ========================================================================================
topic              retained  payload
=================  ========  ========================================================================================
``TOPIC/state``    yes       ``online``, and ``offline`` once this program has ended or the broker has lost sight of it
``TOPIC/label``    no        one JSON object a label, as in ``--jsonl``, with ``utc``: when the window ended
``TOPIC/session``  yes       one JSON object every ten seconds: samples, losses, rate, latency, model
=================  ========  ========================================================================================

With ``announce`` three more retained topics below ``homeassistant/`` tell Home Assistant what these are; see
`edgehar.firmware_bridge.live.sinks.home_assistant`.

Classifying never waits for the broker. While the broker is away labels wait, up to a bound; labels beyond the bound are
counted as not published, and this is said. A password is taken from the environment variable HAR_MQTT_PASSWORD, never
from the URL. With ``mqtts`` the broker must show a certificate for its name that this machine trusts.
"""

import contextlib
import datetime
import json
import os
import time
import unicodedata
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.live.sinks.home_assistant import announcements
from edgehar.firmware_bridge.live.sinks.json_lines import as_json
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.installation import install_command

PASSWORD_VARIABLE: Final = "HAR_MQTT_PASSWORD"
LONGEST_QUEUE: Final = 10_000
"""Labels that wait for a broker that is away: half an hour of them at hop 20, about 5 MB."""
SESSION_EVERY_S: Final = 10.0
_LONGEST_TOPIC_BYTES: Final = 2**16 - 1 - len("/session")
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_CONNECT_TIMEOUT_S: Final = 5.0
_FLUSH_TIMEOUT_S: Final = 2.0


class MqttSink:
    """Publish labels, and whether the program that makes them runs.

    Parameters
    ----------
    url
        ``mqtt://[USER@]HOST[:PORT]/TOPIC``, or ``mqtts://`` for TLS.
    labels
        Names of the classes, in order.
    model_id
        Published with the session.
    announce
        Tell Home Assistant about the topics.

    Raises
    ------
    UsageError
        When the URL is not like that.
    BridgeError
        When paho-mqtt is missing, or the broker cannot be reached or refuses at the start.
    """

    def __init__(self, url: str, *, labels: tuple[str, ...], model_id: str, announce: bool = False) -> None:
        scheme, host, port, user, topic = parse_broker(url)
        self._url, self._topic, self._labels, self._model_id = url, topic, labels, model_id
        self._announcements = announcements(topic, labels=labels, model_id=model_id) if announce else {}
        self._session_s: dict[str, float] = {}
        self._unpublished = 0
        self._closed = False
        self._client = _client(scheme, user)
        self._client.will_set(f"{topic}/state", "offline", qos=1, retain=True)
        self._connect(host, port)

    @property
    def unpublished(self) -> int:
        """Labels that found the queue full."""
        return self._unpublished

    def predicted(self, prediction: Prediction) -> None:
        """Publish one label, or queue it while the broker is away."""
        now = datetime.datetime.now(datetime.UTC)
        taken = now - datetime.timedelta(seconds=prediction.latency_s)
        payload = {**as_json(prediction, self._labels), "utc": taken.isoformat(timespec="milliseconds")}
        info = self._client.publish(f"{self._topic}/label", json.dumps(payload, ensure_ascii=False), qos=1)
        self._unpublished += info.rc == self._queue_full

    def remarked(self, remark: Remark) -> None:
        """Remarks are for people."""

    def progressed(self, status: LiveStatus) -> None:
        """Publish how the session stands, every ten seconds."""
        if status.elapsed_s - self._session_s.get(status.sensor, -SESSION_EVERY_S) < SESSION_EVERY_S:
            return
        self._session_s[status.sensor] = status.elapsed_s
        payload = {"model": self._model_id, **status.to_json(), "unpublished_labels": self._unpublished}
        self._client.publish(f"{self._topic}/session", json.dumps(payload, ensure_ascii=False), qos=1, retain=True)

    def model_changed(self, model_id: str, labels: tuple[str, ...]) -> None:
        """Name another model and its classes from now on."""
        self._model_id, self._labels = model_id, labels

    def close(self) -> None:
        """Wait a moment for what is queued, publish ``offline``, disconnect; closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        offline = self._client.publish(f"{self._topic}/state", "offline", qos=1, retain=True)
        if self._client.is_connected():
            with contextlib.suppress(RuntimeError, ValueError):
                offline.wait_for_publish(_FLUSH_TIMEOUT_S)
        self._client.disconnect()
        self._client.loop_stop()

    def _connect(self, host: str, port: int) -> None:
        """Connect once, so that a wrong address is told now; from then on paho reconnects by itself."""
        from paho.mqtt.enums import MQTTErrorCode

        self._queue_full = MQTTErrorCode.MQTT_ERR_QUEUE_SIZE
        refusals: list[str] = []

        def connected(client: Any, _data: object, _flags: object, reason: Any, _properties: object) -> None:
            if reason.is_failure:
                refusals.append(str(reason))
                return
            # After every reconnection: a broker that was started again may have kept nothing.
            for place, payload in self._announcements.items():
                client.publish(place, json.dumps(payload, ensure_ascii=False), qos=1, retain=True)
            client.publish(f"{self._topic}/state", "online", qos=1, retain=True)

        self._client.on_connect = connected
        try:
            self._client.connect(host, port, keepalive=30)
        except (OSError, ValueError) as error:
            raise self._unreachable(f"{host}:{port}", str(error)) from error
        self._client.loop_start()
        deadline_s = time.monotonic() + _CONNECT_TIMEOUT_S
        while not self._client.is_connected() and not refusals and time.monotonic() < deadline_s:
            time.sleep(0.01)
        if refusals or not self._client.is_connected():
            self._client.disconnect()
            self._client.loop_stop()
            raise self._unreachable(f"{host}:{port}", refusals[0] if refusals else "no answer in time")

    def _unreachable(self, broker: str, got: str) -> BridgeError:
        """Return the error of a broker that cannot be used."""
        return BridgeError(
            f"{self._url}: expected an MQTT broker at {broker}, got: {got}",
            next_step=f"Check that it runs and who may use it; a password goes into {PASSWORD_VARIABLE}.",
            url=self._url,
        )


def _client(scheme: str, user: str | None) -> Any:
    """Return a client that is not connected yet."""
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise BridgeError(
            "MQTT needs the package paho-mqtt 2, it is not installed", next_step=f"Run: {install_command('mqtt')}."
        ) from error
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(LONGEST_QUEUE)
    client.reconnect_delay_set(min_delay=1, max_delay=30)
    if scheme == "mqtts":
        client.tls_set()
    if user is not None:
        client.username_pw_set(user, os.environ.get(PASSWORD_VARIABLE))
    return client


def parse_broker(url: str) -> tuple[str, str, int, str | None, str]:
    """Return scheme, host, port, user and topic of a broker's URL.

    Raises
    ------
    UsageError
        When it is none, or holds a password: URLs stand in lists of processes and in files of settings.
    """
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        topic = _topic(parts.path)
        fits = parts.scheme in _PORTS and parts.hostname and topic is not None
        if fits and not parts.password and not parts.query and "#" not in url:
            port = parts.port or _PORTS[parts.scheme]
            return parts.scheme, str(parts.hostname), port, parts.username and unquote(parts.username), str(topic)
    got = "one with a password" if "@" in url and ":" in url.rpartition("@")[0].partition("://")[2] else repr(url)
    raise UsageError(
        f"expected a broker as mqtt://[USER@]HOST[:PORT]/TOPIC, got {got}",
        next_step=f"For example mqtt://localhost/home/wearer; a password goes into {PASSWORD_VARIABLE}.",
    )


def _topic(path: str) -> str | None:
    """Return the path of a URL as a topic that any broker takes, or None if it is none.

    This is the only way by which a text becomes part of a topic. What MQTT 5.0 forbids in one is refused: wildcards,
    control characters and half characters (sections 1.5.4 and 4.7), a leading $, and more bytes than a topic can have.
    """
    topic = unquote(path.strip("/"), errors="strict")
    if not topic or topic.startswith("$") or set("#+") & set(topic):
        return None
    if any(unicodedata.category(character) in ("Cc", "Cs", "Cn") for character in topic):
        return None
    return topic if len(topic.encode()) <= _LONGEST_TOPIC_BYTES else None
