"""The options of one foreign layer: each is read, or must be one that changes nothing."""

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable

_WITHOUT_EFFECT: Final = frozenset(
    {
        "name", "trainable", "dtype", "batch_input_shape", "batch_shape", "seed", "dropout", "recurrent_dropout",
        "implementation", "unroll", "zero_output_for_mask", "unit_forget_bias", "input_length", "input_shape",
        "input_dtype",
    }
)  # fmt: skip
"""What says how a model is trained, checked or stored, and not what it gives."""

_WITHOUT_EFFECT_ENDINGS: Final = ("_initializer", "_regularizer", "_constraint")
_NEUTRAL: Final = (None, False)
"""Values of an option that this version does not know, which say that it is not used."""


def is_without_effect(name: str) -> bool:
    """Whether an option changes nothing of what a trained layer gives."""
    return name in _WITHOUT_EFFECT or name.endswith(_WITHOUT_EFFECT_ENDINGS)


class Options:
    """The options of a layer, taken one by one; those that are left over must not change what the layer gives.

    Parameters
    ----------
    where
        The file and the layer, for messages.
    values
        The options by name.
    """

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where = where
        self._values = dict(values)
        if (policy := _policy(self._values.get("dtype"))) != "float32":
            self.refuse("dtype", policy, "float32")

    def count(self, name: str) -> int:
        """Take a whole number from 1; ``(3,)`` means 3."""
        return self._whole(name, self._values.pop(name, None))

    def count_or(self, name: str, default: int) -> int:
        """Take a whole number from 1, or the default where there is none."""
        value = self._values.pop(name, None)
        return default if value is None else self._whole(name, value)

    def number(self, name: str, default: float) -> float:
        """Take a finite number."""
        value = self._values.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
            self.refuse(name, value, "a number")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """Take a truth value."""
        value = self._values.pop(name, default)
        if not isinstance(value, bool):
            self.refuse(name, value, "true or false")
        return value

    def choice(self, name: str, default: str, known: tuple[str, ...]) -> str:
        """Take one of a few words; a class or function of the user's own is refused by name."""
        value = self._values.pop(name, default)
        if isinstance(value, dict):
            value = value.get("config") if value.get("class_name") == "function" else value.get("class_name")
        if value not in known:
            self.refuse(name, value, ", ".join(known))
        return str(value)

    def only(self, name: str, *known: Any) -> None:
        """Take an option that may be left out, or be one of these."""
        value = self._values.pop(name, known[0])
        if value not in known:
            self.refuse(name, value, " or ".join(map(_shown, known)))

    def share(self, name: str, value: float) -> float:
        """Return a number that was taken, if it lies from 0 to below 1."""
        if not 0 <= value < 1:
            self.refuse(name, value, "a number from 0 to below 1")
        return value

    def peek(self, name: str, default: Any = None) -> Any:
        """Return an option, and leave it there."""
        return self._values.get(name, default)

    def take(self, name: str, default: Any = None) -> Any:
        """Take an option as it is."""
        return self._values.pop(name, default)

    def finish(self) -> None:
        """Refuse what is left over and says something, as options of a newer version may."""
        for name, value in self._values.items():
            if is_without_effect(name) or value in _NEUTRAL:
                continue
            raise ModelFileError(
                f"{self.where}: the option {printable(name, 60)}={_shown(value)} is not known to this version",
                next_step="Leave it out and save the model again, or update edgehar.",
                option=name,
            )

    def refuse(self, name: str, value: Any, known: str) -> NoReturn:
        """Refuse the value of an option, and say which would do."""
        raise ModelFileError(
            f"{self.where}: {printable(name, 60)}={_shown(value)} cannot be expressed, expected {known}",
            next_step="Change the layer and train again, or leave it out.",
            option=name,
        )

    def _whole(self, name: str, value: Any) -> int:
        """Return a whole number from 1."""
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if type(value) is not int or value < 1:
            self.refuse(name, value, "a whole number from 1")
        return value


def _policy(value: Any) -> str:
    """Return the name of the type a layer computes in."""
    if isinstance(value, dict):
        value = value.get("config", {}).get("name") if isinstance(value.get("config"), dict) else None
    return "float32" if value is None else str(value)


def _shown(value: Any) -> str:
    """Return a value for a sentence."""
    return printable(repr(value), 60)
