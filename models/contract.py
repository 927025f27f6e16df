"""The training defaults every part agrees on: the window, its rate, its channels and the twelve activities."""

from typing import Final

WINDOW_LENGTH: Final = 200
"""Samples in one window."""

SAMPLE_RATE_HZ: Final = 100.0
"""Samples per second a model is trained at; recordings at other rates are resampled to it."""

CHANNELS: Final = ("x", "y", "z")
"""Channel order of every window."""

GYROSCOPE_CHANNELS: Final = ("gx", "gy", "gz")
"""Channels after x, y, z where a sensor sends its turning rate as well, about the same axes, in degrees per second."""

MOTION_CHANNELS: Final = (*CHANNELS, *GYROSCOPE_CHANNELS)
"""Acceleration, then the turning rate."""

MOTION_UNIT: Final = "g and deg/s"
"""Unit of `MOTION_CHANNELS`."""

DEGREES_PER_SECOND: Final = {"deg/s": 1.0, "rad/s": 57.29577951308232, "mdeg/s": 1e-3}
"""Units of a turning rate, and how many degrees per second one of each is."""

STANDARD_GRAVITY_M_S2: Final = 9.80665
"""One g in m/s² (CGPM 1901); the only place a unit conversion takes it from."""

ACTIVITIES: Final = (
    "Walking Forward",
    "Walking Left",
    "Walking Right",
    "Walking Upstairs",
    "Walking Downstairs",
    "Running Forward",
    "Jumping Up",
    "Sitting",
    "Standing",
    "Sleeping",
    "Elevator Up",
    "Elevator Down",
)
"""The twelve activities of USC-HAD in their published order (Zhang & Sawchuk, UbiComp 2012, table 2)."""
