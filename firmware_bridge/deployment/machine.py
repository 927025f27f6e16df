"""The computers a bundle is deployed to: their processor, their Python, and how wheels for them are called."""

from dataclasses import dataclass
from typing import Final

from edgehar.models.errors import UsageError

AARCH64: Final = "aarch64"
ARMV7L: Final = "armv7l"
_GLIBC: Final = (36, 35, 34, 31, 28, 27, 26, 24, 17)
"""Minor versions of the C library that wheels are built against; Debian 12, of 2023, has 2.36."""

PYTHONS: Final = ("3.11", "3.12", "3.13")
DEBIAN_PYTHONS: Final = ("3.11", "3.13")
"""Of Debian 12 and 13, and so of Raspberry Pi OS."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of computer.

    Parameters
    ----------
    processor
        ``aarch64``, or ``armv7l`` for a system of 32 bits.
    pythons
        Versions of Python it may have, such as ``3.11``.

    Raises
    ------
    UsageError
        If no wheels exist for such a computer.
    """

    processor: str
    pythons: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.processor not in (AARCH64, ARMV7L):
            raise UsageError(
                f"processor: expected {AARCH64} or {ARMV7L}, got {self.processor}",
                next_step="`uname -m` and `getconf LONG_BIT` say what a Raspberry Pi has.",
            )
        unknown = [python for python in self.pythons if python not in PYTHONS]
        if unknown or not self.pythons:
            raise UsageError(
                f"Python: expected some of {', '.join(PYTHONS)}, got {', '.join(unknown) or 'none'}",
                next_step="`python3 --version` says what a Raspberry Pi has.",
            )
        if self.processor == ARMV7L and self.pythons != ("3.11",):
            raise UsageError(
                f"Python: for {ARMV7L} there is a TFLite runtime for 3.11 alone, got {', '.join(self.pythons)}",
                next_step="Pass --python 3.11 (Debian 12), or use a system of 64 bits.",
            )

    @property
    def extras(self) -> tuple[str, ...]:
        """Extras of edgehar that are installed there: LiteRT where it has wheels, its ancestor where it has none."""
        return ("edge", "mqtt") if self.processor == AARCH64 else ("edge-legacy", "mqtt")

    @property
    def from_the_system(self) -> tuple[tuple[str, str], ...]:
        """Packages, with their version in Debian 12, that have no wheel and come from the system."""
        return () if self.processor == AARCH64 else (("numpy", "1.24.2"),)

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platform tags of wheels that run there, newest first."""
        return (*(f"manylinux_2_{minor}_{self.processor}" for minor in _GLIBC), f"manylinux2014_{self.processor}")


def default_pythons(processor: str) -> tuple[str, ...]:
    """Return the Pythons that a Raspberry Pi of this kind has, if nobody says which one it is."""
    return ("3.11",) if processor == ARMV7L else DEBIAN_PYTHONS
