"""Contrast of colours, as success criterion 1.4.3 of the Web Content Accessibility Guidelines 2.2 defines it."""


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours such as ``#1f6bb8``, from 1 to 21."""
    light, dark = sorted((_luminance(_channels(one)), _luminance(_channels(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def blended(color: str, ground: str, opacity: float) -> str:
    """Return a colour laid over another."""
    mixed = [opacity * a + (1 - opacity) * b for a, b in zip(_channels(color), _channels(ground), strict=True)]
    return "#" + "".join(f"{round(value):02x}" for value in mixed)


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))


def _luminance(channels: tuple[int, ...]) -> float:
    linear = [
        value / 255 / 12.92 if value / 255 <= 0.04045 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
