"""What Home Assistant is told about a sensor of activities, so that it appears there by itself.

Home Assistant subscribes to ``homeassistant/sensor/NODE/OBJECT/config`` (MQTT discovery). One device with three
entities: the activity, the samples lost, the rate. Names of activities are a stranger's text; they are JSON strings
here, never part of a topic or of a template.
"""

import hashlib
import re
from typing import Any, Final

from edgehar.models import __version__
from edgehar.models.decoder import UNKNOWN

PREFIX: Final = "homeassistant"
_NOT_IN_A_NODE: Final = re.compile(r"[^a-zA-Z0-9_-]+")
_LONGEST_NODE: Final = 64


def announcements(topic: str, *, labels: tuple[str, ...], model_id: str) -> dict[str, dict[str, Any]]:
    """Return the payload of every discovery topic, for labels that are published below ``topic``.

    Examples
    --------
    >>> sorted(announcements("home/wearer", labels=("Sitting",), model_id="lstm"))[0]
    'homeassistant/sensor/edgehar_home_wearer_f264c001/activity/config'
    """
    # Two topics may differ only in characters that a node cannot have.
    digest = hashlib.sha256(topic.encode()).hexdigest()[:8]
    node = f"edgehar_{_NOT_IN_A_NODE.sub('_', topic)[:_LONGEST_NODE]}_{digest}"
    common = {
        "availability_topic": f"{topic}/state",
        "device": {"identifiers": [node], "name": topic, "model": model_id, "sw_version": f"edgehar {__version__}"},
        "origin": {"name": "edgehar", "sw_version": __version__},
    }
    entities: dict[str, dict[str, Any]] = {
        "activity": {
            "name": "Activity",
            "icon": "mdi:run",
            "device_class": "enum",
            "options": [*labels, *([] if UNKNOWN in labels else [UNKNOWN])],
            "state_topic": f"{topic}/label",
            "value_template": "{{ value_json.label }}",
            "json_attributes_topic": f"{topic}/label",
        },
        "lost_samples": {
            "name": "Lost samples",
            "icon": "mdi:alert-outline",
            "entity_category": "diagnostic",
            "state_class": "total_increasing",
            "state_topic": f"{topic}/session",
            "value_template": "{{ value_json.lost_samples }}",
        },
        "rate": {
            "name": "Sample rate",
            "device_class": "frequency",
            "entity_category": "diagnostic",
            "state_class": "measurement",
            "unit_of_measurement": "Hz",
            "state_topic": f"{topic}/session",
            "value_template": "{{ value_json.rate_hz }}",
        },
    }
    return {
        f"{PREFIX}/sensor/{node}/{name}/config": {**common, **entity, "unique_id": f"{node}_{name}"}
        for name, entity in entities.items()
    }
