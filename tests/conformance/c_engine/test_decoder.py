"""The decoder in C: equal to Python on the golden streams and on generated ones, labels and directions included."""

import ctypes
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgehar.firmware_bridge.projects.decoding import Unsupported, rules_of, rules_source
from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import UNDECODED, UNKNOWN, Decoder
from edgehar.models.portable import SOURCES

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "decoder.json").read_text(encoding="utf-8"))
LABELS = tuple(GOLDEN["labels"])
TOLERANCE = 1e-4

SHIM = """
#include "har_decoder.h"
#include <stdlib.h>

int decode(const har_decoder_rules *rules, uint16_t hop, uint16_t lag, const float *samples_g, uint32_t count,
           uint32_t break_before, const uint32_t *ends, const float *said, uint32_t windows, int8_t *directions,
           int16_t *labels, float *probabilities, float *posteriors)
{
    const size_t room = HAR_DECODER_ROOM(rules->classes, rules->stay > 0, rules->smoothing, rules->hop, hop, lag);
    const uint16_t classes = rules->classes;
    float *memory = malloc(room * sizeof *memory), *row = malloc(classes * sizeof *row);
    har_decoder decoder;
    har_decoded decoded;
    uint32_t at, window = 0;
    uint16_t k;
    int found = 0;
    if (!har_decoder_open(&decoder, rules, hop, lag, memory, room))
        return -1;
    for (at = 0; at <= count; at++) {
        int8_t direction;
        int complete = 0;
        if (at == break_before || at == count) {
            while (har_decoder_finish(&decoder, row, &decoded)) {
                for (k = 0; k < classes; k++)
                    posteriors[(size_t)found * classes + k] = row[k];
                labels[found] = decoded.label;
                probabilities[found++] = decoded.probability;
            }
        }
        if (at == count)
            break;
        direction = har_decoder_watch(&decoder, samples_g + 3 * (size_t)at);
        if (window == windows || at != ends[window])
            continue;
        for (k = 0; k < classes; k++)
            row[k] = said[(size_t)window * classes + k];
        directions[window++] = direction;
        complete = har_decoder_feed(&decoder, row, direction, &decoded);
        if (complete) {
            for (k = 0; k < classes; k++)
                posteriors[(size_t)found * classes + k] = row[k];
            labels[found] = decoded.label;
            probabilities[found++] = decoded.probability;
        }
    }
    free(memory);
    free(row);
    return found;
}
"""


@pytest.fixture(scope="module")
def library(need, compile_c, strictest, tmp_path_factory) -> ctypes.CDLL:
    """The decoder, under a sanitizer."""
    folder = tmp_path_factory.mktemp("decoder")
    (folder / "shim.c").write_text(SHIM)
    own = SOURCES / "decoder"
    sources = [own / "har_decoder.c", own / "har_push.c"]
    flags = ("-O1", "-shared", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all", f"-I{own}")
    for source in sources:
        compile_c([need("gcc", "gcc"), *strictest, *flags, "-c", source, "-o", folder / "object.o"])
    compile_c([need("gcc", "gcc"), "-std=c99", *flags, *sources, folder / "shim.c", "-o", folder / "d.so", "-lm"])
    return ctypes.CDLL(str(folder / "d.so"))


@pytest.fixture(scope="module")
def built(library, need, compile_c, tmp_path_factory):
    """``built(spec)``: the rules of a decoder, as the generated source has them."""
    kept: dict[str, ctypes.CDLL] = {}

    def build(spec: DecoderSpec, *, hop: int, window_length: int, rate_hz: float) -> Any:
        source = rules_source(rules_of(spec, LABELS, hop=hop, window_length=window_length, rate_hz=rate_hz))
        if source not in kept:
            folder = tmp_path_factory.mktemp("rules")
            (folder / "har_decoding.c").write_text(source)
            (folder / "har_decoding.h").write_text(
                '#include "har_decoder.h"\nextern const har_decoder_rules har_decoding;\n'
            )
            flags = ("-std=c99", "-Wall", "-Werror", "-shared", "-fPIC", f"-I{SOURCES / 'decoder'}", f"-I{folder}")
            compile_c([need("gcc", "gcc"), *flags, folder / "har_decoding.c", "-o", folder / "r.so"])
            kept[source] = ctypes.CDLL(str(folder / "r.so"))
        return ctypes.byref(ctypes.c_char.in_dll(kept[source], "har_decoding"))

    return build


def in_c(
    library: ctypes.CDLL, rules: Any, samples_g: NDArray[Any], ends: list[int], said: NDArray[Any], **how: int
) -> tuple[list[int], list[str], NDArray[np.float32], NDArray[np.float32]]:
    """Return directions, labels, probabilities and posteriors."""
    windows, classes = len(ends), len(LABELS)
    samples, rows = np.ascontiguousarray(samples_g, np.float32), np.ascontiguousarray(said, np.float32)
    at, directions, labels = np.array(ends, np.uint32), np.zeros(windows, np.int8), np.zeros(windows, np.int16)
    probabilities, posteriors = np.zeros(windows, np.float32), np.zeros((windows, classes), np.float32)
    found = library.decode(
        rules,
        ctypes.c_uint16(how["hop"]),
        ctypes.c_uint16(how["lag"]),
        ctypes.c_void_p(samples.ctypes.data),
        ctypes.c_uint32(len(samples)),
        ctypes.c_uint32(how["break_before"]),
        *(ctypes.c_void_p(array.ctypes.data) for array in (at, rows)),
        ctypes.c_uint32(windows),
        *(ctypes.c_void_p(array.ctypes.data) for array in (directions, labels, probabilities, posteriors)),
    )
    assert found == windows, "every window has its label"
    names = [UNKNOWN if label < 0 else LABELS[label] for label in labels]
    return directions.tolist(), names, probabilities, posteriors


def spec_of(data: dict[str, Any]) -> DecoderSpec:
    """Return a decoder's settings as the manifest's JSON has them."""
    push = None if data["push"] is None else PushSpec(**data["push"])
    return DecoderSpec(**{**data, "transitions": tuple(map(tuple, data["transitions"])), "push": push})


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_c_says_of_the_golden_streams_what_python_does(case: dict[str, Any], library, built) -> None:
    spec = spec_of(case["decoder"])
    own = {"hop": GOLDEN["own_hop"], "window_length": GOLDEN["window_length"], "rate_hz": GOLDEN["rate_hz"]}
    if spec == UNDECODED or spec.transitions:
        with pytest.raises(Unsupported, match=r"a matrix of transitions|changes nothing"):
            rules_of(spec, LABELS, **own)
        return
    lag = round(case["lag_s"] * GOLDEN["rate_hz"] / case["hop"]) if spec.is_markov else 0
    samples_g, said = np.array(GOLDEN["samples_mg"]) / 1000, np.array(case["posteriors"])
    how = {"hop": case["hop"], "lag": lag, "break_before": GOLDEN["break_before"]}
    directions, labels, probabilities, posteriors = in_c(
        library, built(spec, **own), samples_g, case["window_ends"], said, **how
    )
    assert directions == case["directions"]
    assert labels == case["decoded_labels"]
    assert np.abs(probabilities - case["decoded_probabilities"]).max() < TOLERANCE
    assert np.abs(posteriors - case["decoded_posteriors"]).max() < TOLERANCE


SPECS = (
    DecoderSpec(5, 0.4, 3),
    DecoderSpec(1, 0.0, 1, (), 0.97, 1.5, PushSpec("Elevator Up", "Elevator Down")),
    DecoderSpec(1, 0.5, 2, (), 0.26, 0.0),
)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 9999), hop=st.integers(1, 130), lag=st.integers(0, 6))
def test_c_is_python_on_any_stream(data, seed: int, hop: int, lag: int, library, built) -> None:
    spec = data.draw(st.sampled_from(SPECS))
    generator = np.random.default_rng(seed)
    count = 40 * hop
    # Steps and noise of any size: rest, pushes, jumps and movement. Rounded to what both hold exactly.
    levels = np.repeat(generator.choice([1.0, 1.03, 0.97, 1.1, 1.3], 40), hop)
    noise = generator.normal(0, np.repeat(generator.choice([0.0, 0.004, 0.3], 40), hop)[:, np.newaxis], (count, 3))
    samples_g = (np.outer(levels, [0.6, 0.0, 0.8]) + noise).astype(np.float32)
    ends = list(range(hop - 1, count, hop))
    said = generator.dirichlet([0.4] * len(LABELS), len(ends)).astype(np.float32)
    python = Decoder(
        spec, LABELS, hop=hop, spec_hop=50, window_length=100, rate_hz=50.0, lag_windows=lag if spec.is_markov else 0
    )
    lag = python.lag_windows
    expected = python.watch(samples_g)
    directions, labels, _, posteriors = in_c(
        library,
        built(spec, hop=50, window_length=100, rate_hz=50.0),
        samples_g,
        ends,
        said,
        hop=hop,
        lag=lag,
        break_before=count + 1,
    )
    # A bound that lies between the float of one and the double of the other moves a change by a sample.
    surely = [bool((expected[max(0, end - 2) : end + 3] == expected[end]).all()) for end in ends]
    assert all(not sure or own == expected[end] for own, end, sure in zip(directions, ends, surely, strict=True))
    found = [row for window, row in enumerate(said) for row in python.feed(row, directions[window])]
    found += python.finish()
    assert np.abs(posteriors - np.array([each.posterior for each in found])).max() < TOLERANCE
    sure = [np.abs(np.sort(each.posterior)[-1] - np.sort(each.posterior)[-2]) > 2 * TOLERANCE for each in found]
    if all(sure) and all(abs(each.posterior.max() - spec.reject_below) > TOLERANCE for each in found):
        assert labels == [each.label for each in found]


def test_what_a_board_cannot_hold_is_said() -> None:
    own = {"hop": 100, "window_length": 200, "rate_hz": 100.0}
    with pytest.raises(Unsupported, match="at most 255 windows"):
        rules_of(DecoderSpec(256, 0.0, 1), LABELS, **own)
    assert asdict(rules_of(DecoderSpec(255, 0.0, 1), LABELS, **own))["smoothing"] == 255
