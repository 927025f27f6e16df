"""Two sensors in one text stream: never mixed; chosen by name or placement, or asked about with answers that work."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from edgehar.firmware_bridge.text.selection import SensorSelection
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.errors import BridgeError

from .sketches import ACC_G, ROWS

LEFT = ACC_G
RIGHT = np.roll(ACC_G, 37, axis=0)[:, [2, 0, 1]] * [1, -1, 1]
"""The same walk, worn another way up and elsewhere."""


def _in_one_line(form: str) -> Callable[[int], str]:
    return lambda at: form.format(l=LEFT[at], r=RIGHT[at], t=5000 + 10 * at)


def _in_turn(left: str, right: str) -> Callable[[int], str]:
    return lambda at: left.format(v=LEFT[at], t=5000 + 10 * at) + right.format(v=RIGHT[at], t=5003 + 10 * at)


XYZ = "{v[0]:.3f}{s}{v[1]:.3f}{s}{v[2]:.3f}"
COMMAS = "{v[0]:.3f},{v[1]:.3f},{v[2]:.3f}"
FORMATS: dict[str, tuple[Callable[[int], str], str, str]] = {
    "names in one line": (
        _in_one_line(
            "left_ax:{l[0]:.3f} left_ay:{l[1]:.3f} left_az:{l[2]:.3f} "
            "right_ax:{r[0]:.3f} right_ay:{r[1]:.3f} right_az:{r[2]:.3f}\n"
        ),
        "left",
        "right",
    ),
    "numbered names in one line": (
        _in_one_line(
            "ax1={l[0]:.3f}\tay1={l[1]:.3f}\taz1={l[2]:.3f}\tax2={r[0]:.3f}\tay2={r[1]:.3f}\taz2={r[2]:.3f}\r\n"
        ),
        "1",
        "2",
    ),
    "a word before each group": (
        _in_one_line("wrist: X={l[0]:.3f} Y={l[1]:.3f} Z={l[2]:.3f} | ankle: X={r[0]:.3f} Y={r[1]:.3f} Z={r[2]:.3f}\n"),
        "wrist",
        "ankle",
    ),
    "nested JSON": (
        _in_one_line(
            '{{"t":{t},"wrist":{{"x":{l[0]:.3f},"y":{l[1]:.3f},"z":{l[2]:.3f}}},'
            '"hip":{{"x":{r[0]:.3f},"y":{r[1]:.3f},"z":{r[2]:.3f}}}}}\n'
        ),
        "wrist",
        "hip",
    ),
    "lines in turn with a letter": (_in_turn(f"L,{COMMAS}\n", f"R,{COMMAS}\n"), "l", "r"),
    "lines in turn that begin alike": (_in_turn(f"A,{COMMAS}\n", f"B,{COMMAS}\n"), "1", "2"),
    "lines in turn with names": (
        _in_turn(
            "hip ax:{v[0]:.3f} ay:{v[1]:.3f} az:{v[2]:.3f}\n", "wrist ax:{v[0]:.3f} ay:{v[1]:.3f} az:{v[2]:.3f}\n"
        ),
        "hip",
        "wrist",
    ),
    "lines in turn with a number": (_in_turn(f"1,{COMMAS}\n", f"2,{COMMAS}\n"), "1", "2"),
    "lines in turn with a number and a time": (_in_turn(f"{{t}},0,{COMMAS}\n", f"{{t}},1,{COMMAS}\n"), "0", "1"),
    "JSON with an id": (
        _in_turn(
            '{{"id":3,"x":{v[0]:.3f},"y":{v[1]:.3f},"z":{v[2]:.3f}}}\n',
            '{{"id":7,"x":{v[0]:.3f},"y":{v[1]:.3f},"z":{v[2]:.3f}}}\n',
        ),
        "3",
        "7",
    ),
    "addresses": (
        _in_turn(
            "0x68 ax={v[0]:.3f} ay={v[1]:.3f} az={v[2]:.3f}\n", "0x69 ax={v[0]:.3f} ay={v[1]:.3f} az={v[2]:.3f}\n"
        ),
        "1",
        "2",
    ),
}


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
