"""Which options of `har evaluate` cannot stand beside each other, and why."""

from collections.abc import Mapping
from typing import Final

from edgehar.models.errors import UsageError

_OWN_WAY: Final = "it judges in a way of its own"
_EXCLUDED: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("subjects", ("all-subjects",), "both say who is judged"),
    ("keep", ("windows",), "figures of a part would replace those of all windows"),
    ("robustness", ("continuous", "every-artifact", "show-leaky", "plots", "keep"), _OWN_WAY),
    ("calibrate", ("every-artifact", "show-leaky", "keep"), "a model is judged in other axes than it was compiled in"),
    ("streaming", ("port",), "a device decides for itself what it carries"),
    ("continuous", ("every-artifact", "show-leaky", "plots", "keep", "windows"), _OWN_WAY),
    (
        "every-artifact",
        ("engine", "quantization", "port", "plots"),
        "each file runs on its own format's runtime",
    ),
)
_NEEDED: Final = (("unlearned", "continuous"), ("streaming", "continuous"))


def check_choices(given: Mapping[str, bool]) -> None:
    """Refuse options that contradict each other.

    Parameters
    ----------
    given
        By name of the option: whether it is used.

    Raises
    ------
    UsageError
        If two exclude each other, or one needs another.

    Examples
    --------
    >>> check_choices({"keep": True, "windows": False})
    """
    for option, excluded, why in _EXCLUDED:
        others = [f"--{name}" for name in excluded if given.get(name)]
        if given.get(option) and others:
            raise UsageError(
                f"--{option}: expected no {' or '.join(others)} beside it: {why}",
                next_step="Leave one of them out.",
            )
    for option, needed in _NEEDED:
        if given.get(option) and not given.get(needed):
            raise UsageError(f"--{option}: expected --{needed} beside it", next_step=f"Add --{needed}.")
