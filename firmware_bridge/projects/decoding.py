"""A bundle's decoder as C source: the rules that models/portable/decoder works by."""

from dataclasses import dataclass
from typing import Final

from edgehar.models.bundle.manifest import DecoderSpec, Manifest, PushSpec
from edgehar.models.decoder import UNDECODED

MOST_WINDOWS: Final = 255
"""A mean over more has no room on a board."""

_LARGEST: Final = 65_535
_CODE_BYTES: Final = 6400
"""Of the decoder's code and the powers and exponentials that it needs: 5,788 on an ATmega328P."""
_STATE_BYTES: Final = 180
_FLOAT_BYTES: Final = 4


class Unsupported(Exception):  # noqa: N818 - no failure: the board then labels every window alone
    """The decoder cannot run on a board; the text says why."""


@dataclass(frozen=True, slots=True)
class PushRules:
    """``har_push_rules``: bounds in g, times in samples."""

    up: int
    down: int
    log_odds: float
    strong_g: float
    weak_g: float
    moving_g: float
    jump_g: float
    smoothing: int
    settling: int
    baseline: int
    longest_push: int


@dataclass(frozen=True, slots=True)
class Rules:
    """``har_decoder_rules``: counted in windows at ``hop``; ``shared`` samples count as one posterior's evidence."""

    classes: int
    hop: int
    smoothing: int
    dwell: int
    reject_below: float
    stay: float
    shared: float
    push: PushRules | None


def rules_of(spec: DecoderSpec, labels: tuple[str, ...], *, hop: int, window_length: int, rate_hz: float) -> Rules:
    """Return a decoder as the C code takes it.

    Parameters
    ----------
    spec, labels
        Of the bundle.
    hop, window_length
        Of the bundle, in samples: what the spec counts in.
    rate_hz
        Of the samples.

    Raises
    ------
    Unsupported
        If it needs more than a board has.
    """
    if spec == UNDECODED:
        raise Unsupported("its decoder changes nothing")
    if spec.transitions:
        raise Unsupported("its decoder has a matrix of transitions; `har tune` fits one without")
    if max(spec.smoothing_windows, spec.minimum_dwell_windows) > MOST_WINDOWS or hop > _LARGEST:
        raise Unsupported(f"its decoder remembers more than a board can, at most {MOST_WINDOWS} windows")
    return Rules(
        classes=len(labels),
        hop=hop,
        smoothing=spec.smoothing_windows,
        dwell=max(1, spec.minimum_dwell_windows),
        reject_below=spec.reject_below,
        stay=spec.stay_probability,
        shared=hop * spec.temperature if spec.temperature else float(window_length),
        push=None if spec.push is None else _push_rules(spec.push, labels, rate_hz),
    )


def decoding_of(manifest: Manifest) -> Rules:
    """Return a bundle's decoder as the C code takes it, or raise `Unsupported`."""
    window = manifest.window
    return rules_of(
        manifest.decoder, manifest.labels, hop=window.hop, window_length=window.length, rate_hz=window.rate_hz
    )


def decoding_bytes(rules: Rules) -> tuple[int, int]:
    """Return bytes of flash and RAM that decoding takes, from above, at the default hop and without a lag."""
    rows = 2 if rules.stay > 0 else rules.smoothing
    return _CODE_BYTES, _STATE_BYTES + _FLOAT_BYTES * rules.classes * rows


def decoding_files(rules: Rules | None, why: str = "") -> dict[str, str]:
    """Return har_decoding.h and har_decoding.c; without rules, the header says why."""
    source = '#include "har_decoding.h"\n' if rules is None else rules_source(rules)
    return {"har_decoding.h": _header(rules, why), "har_decoding.c": source}


def rules_source(rules: Rules) -> str:
    """Return har_decoding.c."""
    push = rules.push or PushRules(0, 1, 0.0, 0.0, 0.0, 0.0, 0.0, 1, 1, 1, 1)
    decoder = (rules.classes, rules.hop, rules.smoothing, rules.dwell, rules.reject_below, rules.stay, rules.shared)
    bounds = (push.up, push.down, push.log_odds, push.strong_g, push.weak_g, push.moving_g, push.jump_g)
    times = (push.smoothing, push.settling, push.baseline, push.longest_push)
    return f"""/* Written by `har firmware`. */
#include "har_decoding.h"

const har_decoder_rules har_decoding = {{
    {_literals(decoder)}, {int(rules.push is not None)},
    {{{_literals(bounds)},
     {_literals(times)}}},
}};
"""


def _header(rules: Rules | None, why: str) -> str:
    """Return har_decoding.h."""
    if rules is None:
        said = f"/* Every window is labelled alone: {why}. */\n#define HAR_DECODES 0"
    else:
        said = f"""#define HAR_DECODES 1
#define HAR_DECODER_IS_MARKOV {int(rules.stay > 0)}
#define HAR_DECODER_SMOOTHING {rules.smoothing}
#define HAR_DECODER_HOP {rules.hop}

#ifdef __cplusplus
extern "C" {{
#endif

extern const har_decoder_rules har_decoding;

#ifdef __cplusplus
}}
#endif"""
    return f"""/* How labels are made of posteriors. Written by `har firmware`. */
#ifndef HAR_DECODING_H
#define HAR_DECODING_H

#include "har_decoder.h"

{said}

#endif
"""


def _push_rules(push: PushSpec, labels: tuple[str, ...], rate_hz: float) -> PushRules:
    """Return how elevators are told apart, times in samples."""
    times = (push.smoothing_s, push.settling_s, push.baseline_s, push.longest_push_s)
    smoothing, settling, baseline, longest_push = (max(1, round(time_s * rate_hz)) for time_s in times)
    return PushRules(
        up=labels.index(push.up),
        down=labels.index(push.down),
        log_odds=push.log_odds,
        strong_g=push.strong_g,
        weak_g=push.weak_g,
        moving_g=push.moving_g,
        jump_g=push.jump_g,
        smoothing=smoothing,
        settling=settling,
        baseline=baseline,
        longest_push=longest_push,
    )


def _literals(values: tuple[int | float, ...]) -> str:
    """Return numbers as C reads them; nine significant digits bring a float32 back exactly."""
    return ", ".join(str(value) if isinstance(value, int) else f"{value:.9e}f" for value in values)
