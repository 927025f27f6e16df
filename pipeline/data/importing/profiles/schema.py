"""What may stand in a profile: every key, and what its value must be; a stranger may have written it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

LISTS: Final = ("axes", "add_axes", "unlabelled", "names")
"""Keys of ``declare`` that hold lists."""

_Check = tuple[str, Callable[[Any], bool]]


def _is_text(value: Any) -> bool:
    """Tell whether a value is a text."""
    return isinstance(value, str)


def _is_texts(value: Any, *lengths: int) -> bool:
    """Tell whether a value is a list of texts, of one of these lengths if there are any."""
    return isinstance(value, list) and all(map(_is_text, value)) and (not lengths or len(value) in lengths)


def _is_whole(value: Any, least: int) -> bool:
    """Tell whether a value is a whole number that is not smaller."""
    return type(value) is int and value >= least


def _is_pattern(value: Any) -> bool:
    """Tell whether a value is a regular expression."""
    try:
        return _is_text(value) and re.compile(value) is not None
    except re.error:
        return False


_TEXT: Final[_Check] = ("a text", _is_text)
_TEXTS: Final[_Check] = ("a list of texts", _is_texts)
_TEXT_KEYS: Final = (
    "gyroscope_unit time label subject unit time_unit delimiter activity_name subject_name file_pattern placement"
)
_KEYS: Final[dict[str, dict[str, _Check]]] = {
    "match": {
        "file": _TEXT,
        "header": _TEXTS,
        "head": ("a regular expression", _is_pattern),
        "columns": ("a whole number above 0", lambda value: _is_whole(value, 1)),
    },
    "declare": {
        "axes": ("a list of 3 or 6 texts", lambda value: _is_texts(value, 3, 6)),
        "add_axes": ("a list of 3 texts", lambda value: _is_texts(value, 3)),
        "unlabelled": _TEXTS,
        "names": _TEXTS,
        "rate_hz": ("a number above 0", lambda value: type(value) in (int, float) and 0 < value < float("inf")),
        "skip_lines": ("a whole number", lambda value: _is_whole(value, 0)),
        "drop_bad_rows": ("true or false", lambda value: isinstance(value, bool)),
        **dict.fromkeys(_TEXT_KEYS.split(), _TEXT),
    },
    "refuse": {"reason": _TEXT},
    "beside": {"file": _TEXT},
}
_TABLES: Final = (*_KEYS, "labels")


def wrong_with(content: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the content of a profile, in a sentence; None where nothing is.

    Examples
    --------
    >>> wrong_with({"declare": {"rate_hz": "fast"}}), wrong_with({"match": {"file": "*.log"}})
    ("declare.rate_hz must be a number above 0, not 'fast'", None)
    """
    for key, value in content.items():
        if key in ("title", "terms"):
            if not _is_text(value):
                return f"{key} must be a text, not {value!r}"
        elif key not in _TABLES:
            return f"the key {key!r} means nothing"
        elif not isinstance(value, dict):
            return f"{key} must be a table: [{key}]"
        elif reason := _wrong_in(key, value):
            return reason
    return None


def _wrong_in(table: str, content: Mapping[str, Any]) -> str | None:
    """Return what is wrong in a table."""
    for key, value in content.items():
        if table == "labels":
            if not isinstance(value, str | int | float):
                return f"labels.{key} must be a text, not {value!r}"
            continue
        if key not in _KEYS[table]:
            return f"the key '{table}.{key}' means nothing"
        expected, fits = _KEYS[table][key]
        if not fits(value):
            return f"{table}.{key} must be {expected}, not {value!r}"
    return None
