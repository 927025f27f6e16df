"""The C99 engine: its sources, its tables and blob, and the integer arithmetic it must reproduce bit for bit."""

from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent
"""Where the C sources are: ``engine/`` and ``decoder/`` run on any chip, ``host/`` adds what makes a computer fast."""
