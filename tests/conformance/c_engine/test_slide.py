"""Overlapping windows from phase-shifted states: exactly what whole windows give, at every hop."""

import ctypes

import numpy as np
import pytest

from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    AveragePooling1D,
    Bidirectional,
    Conv1D,
    Dense,
    GlobalMaxPooling1D,
    SimpleRNN,
    named_architecture,
)
from edgehar.models.portable import SOURCES
from edgehar.models.portable.blob import pack_model
from edgehar.models.portable.fixed_point import to_samples
from edgehar.models.portable.integer_reference import forward
from edgehar.pipeline.compilers.c99 import tables

SHIM = """
#include "har_blob.h"
#include "har_slide.h"
#include <stdlib.h>

int slide(const void *blob, size_t bytes, uint16_t hop, const har_sample *samples, size_t count, size_t gap_at,
          har_probability *probabilities, uint32_t *ends)
{
    har_model model;
    har_layer layers[16];
    har_slide sliding;
    const har_engine *complete;
    int found = 0;
    size_t at;
    if (har_load(&model, layers, 16, blob, bytes) != HAR_OK)
        return -1;
    {
        const uint16_t phases = har_slide_phases(&model, hop);
        const size_t sum_count = model.scratch_sums + (size_t)phases * model.kept_sums;
        har_engine *engines = malloc(phases * sizeof *engines);
        har_sum *sums = malloc(sum_count * sizeof *sums);
        har_value *values = malloc((size_t)phases * model.kept_values * sizeof *values);
        if (har_slide_open(&sliding, &model, engines, phases, hop, sums, sum_count - 1, values,
                           (size_t)phases * model.kept_values) != HAR_SMALL_MEMORY)
            return -2;
        if (har_slide_open(&sliding, &model, engines, phases, hop, sums, sum_count, values,
                           (size_t)phases * model.kept_values) != HAR_OK)
            return -3;
        for (at = 0; at < count; at++) {
            if (at == gap_at)
                har_slide_reset(&sliding);
            if (har_slide_step(&sliding, samples + 3 * at, &complete) != HAR_OK)
                return -4;
            if (complete) {
                har_finish(complete, probabilities + (size_t)found * model.classes);
                ends[found++] = (uint32_t)at;
            }
        }
        free(engines);
        free(sums);
        free(values);
    }
    return found;
}
"""
ARCHITECTURES = (
    named_architecture("lstm"),
    Architecture("mixed", 50, 3, (GRU("g", 6, return_sequences=True), SimpleRNN("s", 5), Dense("o", 4, "softmax"))),
    Architecture(
        "filters",
        30,
        3,
        (
            Conv1D("c", 5, 3, "relu", "same"),
            AveragePooling1D("p", 2),
            Bidirectional("b", "GRU", 3, True),
            GlobalMaxPooling1D("m"),
            Dense("o", 4, "softmax"),
        ),
    ),
    Architecture("one", 7, 3, (LSTM("l", 3), Dense("o", 2, "softmax"))),
)


@pytest.fixture(scope="module")
def library(need, compile_c, strict, tmp_path_factory) -> ctypes.CDLL:
    """The engine with har_slide, under sanitizers where a library may have them."""
    folder = tmp_path_factory.mktemp("slide")
    (folder / "slide.c").write_text(SHIM)
    engine = SOURCES / "engine"
    sources = [engine / name for name in ("har_engine.c", "har_blob.c", "har_slide.c")]
    flags = ("-O1", "-shared", "-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all")
    compile_c([need("gcc", "gcc"), *strict, *flags, f"-I{engine}", *sources, folder / "slide.c", "-o", folder / "s.so"])
    return ctypes.CDLL(str(folder / "s.so"))


def slide(library: ctypes.CDLL, model, samples: np.ndarray, hop: int, gap_at: int) -> tuple[np.ndarray, list[int]]:
    """Return the probabilities of all complete windows, and the numbers of their last samples."""
    blob = np.frombuffer(pack_model(model), np.uint8).copy()
    probabilities = np.zeros((len(samples) + 1, model.classes), np.uint16)
    ends = np.zeros(len(samples) + 1, np.uint32)
    found = library.slide(
        ctypes.c_void_p(blob.ctypes.data),
        ctypes.c_size_t(len(blob)),
        ctypes.c_uint16(hop),
        ctypes.c_void_p(samples.ctypes.data),
        ctypes.c_size_t(len(samples)),
        ctypes.c_size_t(gap_at),
        ctypes.c_void_p(probabilities.ctypes.data),
        ctypes.c_void_p(ends.ctypes.data),
    )
    assert found >= 0, found
    return probabilities[:found], ends[:found].tolist()


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda it: it.name)
@pytest.mark.parametrize("hop_share", [1.0, 0.5, 0.3, 0.1])
def test_sliding_gives_what_whole_windows_give(
    architecture: Architecture, hop_share: float, library, random_weights
) -> None:
    model = tables(architecture, random_weights(architecture), "int8")
    window, hop = model.window, max(1, round(hop_share * model.window))
    samples = to_samples(np.random.default_rng(4).normal(size=(3 * window + 11, 3)))
    found, ends = slide(library, model, samples, hop, gap_at=-1 & 0xFFFFFFFF)
    starts = range(0, len(samples) - window + 1, hop)
    assert ends == [start + window - 1 for start in starts]
    np.testing.assert_array_equal(found, forward(model, np.stack([samples[at : at + window] for at in starts])))


def test_no_window_spans_a_gap(library, random_weights) -> None:
    architecture = ARCHITECTURES[1]
    model = tables(architecture, random_weights(architecture), "int8")
    samples = to_samples(np.random.default_rng(4).normal(size=(200, 3)))
    found, ends = slide(library, model, samples, 10, gap_at=73)
    starts = [*range(0, 73 - 49, 10), *range(73, 151, 10)]
    assert ends == [start + 49 for start in starts]
    np.testing.assert_array_equal(found, forward(model, np.stack([samples[at : at + 50] for at in starts])))
