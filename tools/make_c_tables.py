#!/usr/bin/env python3
"""Write the C engine's activation tables from the NumPy reference: `models/portable/engine/har_tables.h`."""

from pathlib import Path

from edgehar.models.portable.fixed_point import EXP_TABLE, TANH_TABLE

REPOSITORY = Path(__file__).resolve().parents[1]
TARGET = REPOSITORY / "models/portable/engine/har_tables.h"


def header() -> str:
    """Return the file's text."""
    return f"""/* Activation tables, written by tools/make_c_tables.py. Do not edit. */
#ifndef HAR_TABLES_H
#define HAR_TABLES_H

#include "har_port.h"

/* tanh(k / 32) in 2^-15 */
{_array("har_tanh_table", TANH_TABLE.tolist())}

/* 2^(-k / 32) in 2^-15 */
{_array("har_exp_table", EXP_TABLE.tolist())}

#endif
"""


def _array(name: str, values: list[int]) -> str:
    """Return one constant array, twelve numbers a line."""
    lines = [", ".join(str(value) for value in values[at : at + 12]) for at in range(0, len(values), 12)]
    body = ",\n    ".join(lines)
    return f"static const uint16_t {name}[{len(values)}] HAR_FLASH = {{\n    {body},\n}};"


if __name__ == "__main__":
    TARGET.write_text(header(), encoding="utf-8")
    print(f"wrote {TARGET.relative_to(REPOSITORY)}")
