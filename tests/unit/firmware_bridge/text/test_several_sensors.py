"""Two sensors in one text stream: never mixed; chosen by name or placement, or asked about with answers that work."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from edgehar.firmware_bridge.text.selection import SensorSelection
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.errors import BridgeError

from .other_streams import COMMAS, LEFT, RIGHT
from .other_streams import TWO_SENSORS as FORMATS
from .sketches import ROWS


def play(write: Callable[[int], str], selection: SensorSelection) -> np.ndarray:
    """Feed a source as a port would."""
    source = TextSource(unit=None, rate_hz=100.0, selection=selection, adopts_rate=True)
    blocks = []
    source.feed(b"\n", 0.0)
    for at in range(ROWS):
        blocks += source.feed(write(at).encode(), at / 100).blocks
    blocks += source.finish(ROWS / 100).blocks
    assert source.counts.lost == 0
    return np.concatenate([block.samples_g for block in blocks])


@pytest.mark.parametrize("name", FORMATS)
def test_two_sensors_are_asked_about_and_the_answers_work(name: str) -> None:
    write, left, right = FORMATS[name]
    with pytest.raises(BridgeError, match="--columns") as question:
        play(write, SensorSelection())
    answers = [
        quoted or plain for quoted, plain in re.findall(r'--columns (?:"([^"]*)"|(\S+?))[ ,]', str(question.value))
    ]
    assert len(answers) == 2, str(question.value)
    for answer, own in zip(answers, (LEFT, RIGHT), strict=True):
        samples = play(write, SensorSelection(answer))
        assert len(samples) >= ROWS - 5
        assert np.abs(samples[-200:] - own[-200:]).max() < 0.002
    for called, own in ((left, LEFT), (right, RIGHT)):
        assert np.abs(play(write, SensorSelection(called))[-200:] - own[-200:]).max() < 0.002


def test_the_sensor_of_the_models_placement_is_chosen() -> None:
    for name, own in (("lines in turn with names", LEFT), ("nested JSON", RIGHT)):
        samples = play(FORMATS[name][0], SensorSelection(placement="front-right-hip, x up"))
        assert np.abs(samples[-200:] - own[-200:]).max() < 0.002


@pytest.mark.parametrize(
    "write",
    [
        lambda at: f"{87 + (at // 90) % 2},{COMMAS.format(v=LEFT[at])}\n",
        lambda at: f"{at % 8},{COMMAS.format(v=LEFT[at])}\n",
        lambda at: f"{int(at % 200 > 150)} {LEFT[at][0]:.3f} {LEFT[at][1]:.3f} {LEFT[at][2]:.3f}\n",
        lambda at: f"ax:{LEFT[at][0]:.3f} ay:{LEFT[at][1]:.3f} az:{LEFT[at][2]:.3f} temp:{20 + at % 2}\n",
    ],
    ids=["battery", "counter", "button", "temperature"],
)
def test_other_small_numbers_are_no_sensors(write: Callable[[int], str]) -> None:
    samples = play(write, SensorSelection())
    assert np.abs(samples[-200:] - LEFT[-200:]).max() < 0.002
