"""Streams that are more than one walk of one sensor: two sensors in turn or side by side, and lines that get lost."""

from collections.abc import Callable

import numpy as np

from .sketches import ACC_G, ROWS, rows

LEFT = ACC_G
RIGHT = np.roll(ACC_G, 37, axis=0)[:, [2, 0, 1]] * [1, -1, 1]
"""The same walk, worn another way up and elsewhere."""


def _in_one_line(form: str) -> Callable[[int], str]:
    return lambda at: form.format(l=LEFT[at], r=RIGHT[at], t=5000 + 10 * at)


def _in_turn(left: str, right: str) -> Callable[[int], str]:
    return lambda at: left.format(v=LEFT[at], t=5000 + 10 * at) + right.format(v=RIGHT[at], t=5003 + 10 * at)


XYZ = "{v[0]:.3f}{s}{v[1]:.3f}{s}{v[2]:.3f}"
COMMAS = "{v[0]:.3f},{v[1]:.3f},{v[2]:.3f}"
TWO_SENSORS: dict[str, tuple[Callable[[int], str], str, str]] = {
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
    "lines in turn with a tag and a time": (_in_turn(f"S1,{{t}},{COMMAS}\n", f"S2,{{t}},{COMMAS}\n"), "s1", "s2"),
    "lines in turn with a last word": (_in_turn(f"{COMMAS},left\n", f"{COMMAS},right\n"), "left", "right"),
    "lines in turn, named, with a last word": (
        _in_turn("x={v[0]:.3f} y={v[1]:.3f} z={v[2]:.3f} [wrist]\n", "x={v[0]:.3f} y={v[1]:.3f} z={v[2]:.3f} [hip]\n"),
        "1",
        "2",
    ),
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


def two_sensors() -> dict[str, list[bytes]]:
    """Return the lines of all formats of two sensors, by name; the reader joins before the first."""
    return {
        f"two sensors: {name}": [b"\n", *(write(at).encode() for at in range(ROWS))]
        for name, (write, _, _) in TWO_SENSORS.items()
    }


def _g(row: int) -> str:
    return ",".join(f"{value:.3f}" for value in ACC_G[row])


def _m_s2(row: int) -> str:
    return ",".join(f"{9.80665 * value:.3f}" for value in ACC_G[row])


def _named(row: int, behind: str = "") -> str:
    x, y, z = _g(row).split(",")
    return f"ax:{x}{behind} ay:{y} az:{z}\n"


def _spoiled(lines: list[str], every: int, spoil: Callable[[str], str]) -> list[str]:
    """Return lines of which every so many is spoiled."""
    return [spoil(line) if at % every == every - 1 else line for at, line in enumerate(lines)]


def damaged() -> dict[str, list[bytes]]:
    """Return lines that get lost, are cut, or change their meaning, by name."""
    timed = [f"{4812 + 10 * row.index},{_g(row.index)}\n" for row in rows()]
    bare = [f"{_g(row.index)}\n" for row in rows()]
    counted = [f"{row.index},{_g(row.index)}\n" for row in rows()]
    later = range(350, ROWS)
    streams = {
        "times that show lost lines": [line for at, line in enumerate(timed) if at % 90 not in (40, 41, 42)],
        "counts that show lost lines": [line for at, line in enumerate(counted) if at % 70 != 69],
        "a counter of a byte": [f"{at % 256},{_g(at)}\n" for at in range(ROWS)],
        "a time that begins anew": [*timed[:350], *(f"{10 * at},{_g(at)}\n" for at in later)],
        "a time with damaged digits": _spoiled(timed, 97, lambda line: line.replace("4", "9", 1)),
        "a line sent twice": _spoiled(timed, 50, lambda line: 2 * line),
        "lines cut short": _spoiled(bare, 60, lambda line: line[:9] + "\n"),
        "bytes of noise in lines": _spoiled(bare, 60, lambda line: line.replace(".", "\x81", 1)),
        "a number that is too large": [*bare[:200], *_spoiled(bare[200:], 60, lambda line: "999" + line)],
        "a line too long": _spoiled(bare, 301, lambda line: 700 * "7" + line),
        "another format after half": [*bare[:350], *(f"{at},{_g(at)}\n" for at in later)],
        "names after half": [*bare[:350], *map(_named, later)],
        "m/s2 after a header": [*bare[:350], "x (m/s2),y (m/s2),z (m/s2)\n", *(f"{_m_s2(at)}\n" for at in later)],
        "a page of HTML before": [*(f"<p onload='x'>Boot {at} &amp; more</p>\n" for at in range(30)), *bare],
        "different units": [_named(at, " g").replace(" az", " m/s2 az") for at in range(ROWS)],
    }
    streams |= _changing(bare)
    return {name: [line.encode("latin-1") for line in lines] for name, lines in streams.items()}


def _changing(bare: list[str]) -> dict[str, list[str]]:
    """Return lines that change their form after half of them, or only seem to, by name."""
    half, later = bare[:350], range(350, ROWS)
    log = [
        f"wifi: channel {at} of 13, rssi -{40 + at}\n" if at % 2 else f"heap {90_000 - at} bytes\n" for at in range(90)
    ]
    return {
        "JSON after half": [*half, *(f'{{"acc":[{_g(at)}],"n":{at}}}\n' for at in later)],
        "bare numbers after names": [*map(_named, range(350)), *(f"{_g(at)}\n" for at in later)],
        "m/s2 in names after half": [
            *half,
            *(f"Accel X:{_m_s2(at).replace(',', ' Y:', 1).replace(',', ' Z:')} m/s^2\n" for at in later),
        ],
        "counts after half": [
            *half,
            *("AX={} AY={} AZ={}\n".format(*(round(16384 * v) for v in ACC_G[at])) for at in later),
        ],
        "a column more after half": [*half, *(f"{_g(at)},25.{at % 7}\n" for at in later)],
        "a column less after half": [*(f"{4812 + 10 * at},{_g(at)}\n" for at in range(350)), *bare[350:]],
        "lines of one value after half": [*half, *("ax:{}\nay:{}\naz:{}\n".format(*_g(at).split(",")) for at in later)],
        "names before the unit is known": [*bare[:60], *(_named(at, " g") for at in range(60, ROWS))],
        "another level of a log after half": [
            *(f"I {_named(at, ' g')}" for at in range(350)),
            *(f"W {_named(at, ' g')}" for at in later),
        ],
        "a boot log after half": [*half, *log, *bare[350:]],
        "a burst of names after half": [*half, *map(_named, range(350, 390)), *bare[390:]],
        "lines of something else after half": [*half, *(f"volt:{at % 5}.2 amp:{at % 3}\n" for at in later)],
    }
