"""A bundle on its way to another computer: a folder that installs itself there, without a network."""

from pathlib import Path
from typing import Final

FILES: Final = Path(__file__).with_name("files")
"""What is copied into such a folder as it is."""
