"""Activity recognition for accelerometers: train on a laptop, deploy anywhere, classify live from a serial line."""

from edgehar.models import __version__

__all__ = ["__version__"]
