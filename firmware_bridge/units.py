"""Kept for imports of the old address: units are in ``models.units``."""

from models.units import UNIT_HELP, Unit, parse_unit

__all__ = ["UNIT_HELP", "Unit", "parse_unit"]
