/* The three products of training: a layer's sums, the same backwards, and the gradient of a kernel. */
#ifndef HAR_TRAIN_PRODUCTS_H
#define HAR_TRAIN_PRODUCTS_H

#include "har_train_lanes.h"

/* Rows whose sums are kept in registers at once: two vectors each, of 32 registers or of 16. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define HAR_ROWS 8
#elif defined(__AVX__)
#define HAR_ROWS 6 /* with two vectors of values and a weight that is 15 registers */
#else
#define HAR_ROWS 4
#endif

/* weights (inputs, width), row-major, times as many values. */
typedef struct {
    const float *weights;
    size_t width;
    size_t inputs;
    const har_lanes *values;
} har_product;

HAR_INLINE void har_add_product(size_t rows, const har_product *product, size_t row, har_lanes (*sums)[HAR_WIDE])
{
    const float *weights = product->weights + row;
    const har_lanes *values = product->values;
    size_t input, k;
    for (input = 0; input < product->inputs; input++, weights += product->width, values += HAR_WIDE)
        for (k = 0; k < rows; k++) {
            const har_lanes weight = har_all(weights[k]);
            sums[k][0] += weight * values[0];
            sums[k][1] += weight * values[1];
        }
}

HAR_INLINE void har_sums_block(size_t rows, const float *bias, const har_product *first, const har_product *second,
                               size_t row, har_lanes *sums)
{
    har_lanes block[HAR_ROWS][HAR_WIDE];
    size_t k;
    for (k = 0; k < rows; k++)
        block[k][0] = block[k][1] = har_all(bias ? bias[row + k] : 0.0f);
    har_add_product(rows, first, row, block);
    if (second)
        har_add_product(rows, second, row, block);
    for (k = 0; k < rows; k++) {
        sums[(row + k) * HAR_WIDE] = block[k][0];
        sums[(row + k) * HAR_WIDE + 1] = block[k][1];
    }
}

/* sums[row] = bias[row] + first + second, for all rows; bias and second may be missing. */
static inline void har_sums(size_t rows, const float *bias, const har_product *first, const har_product *second,
                            har_lanes *sums)
{
    size_t row = 0;
    for (; row + HAR_ROWS <= rows; row += HAR_ROWS)
        har_sums_block(HAR_ROWS, bias, first, second, row, sums);
    for (; row + 4 <= rows; row += 4)
        har_sums_block(4, bias, first, second, row, sums);
    for (; row + 2 <= rows; row += 2)
        har_sums_block(2, bias, first, second, row, sums);
    for (; row < rows; row++)
        har_sums_block(1, bias, first, second, row, sums);
}

static inline void har_transpose(const float *matrix, size_t rows, size_t columns, float *transposed)
{
    size_t row, column;
    for (row = 0; row < rows; row++)
        for (column = 0; column < columns; column++)
            transposed[column * rows + row] = matrix[row * columns + column];
}

/* Values of several steps: ``stride`` vectors from one step to the next. */
typedef struct {
    const har_lanes *values;
    size_t stride;
} har_series;

/* Outputs whose gradients are summed at once, and inputs: as many as leave registers for the values themselves. */
#define HAR_PATCH 4
#if defined(__AVX512F__) || defined(__aarch64__)
#define HAR_PATCH_INPUTS 4
#else
#define HAR_PATCH_INPUTS 2
#endif

/* Vectors from one step's values to the next one's, where a step has so many: an odd number of patch rows. Patches of
 * several steps then lie in different lines of a cache; at a power of two they would push each other out. */
HAR_INLINE size_t har_stride(size_t vectors)
{
    const size_t row = HAR_PATCH * HAR_WIDE, rows = (vectors + row - 1) / row;
    return (rows | 1) * row;
}

HAR_INLINE void har_add_patch(size_t inputs, size_t outputs, size_t steps, har_series from, har_series to,
                              float *gradient, size_t width)
{
    har_lanes sums[HAR_PATCH_INPUTS][HAR_PATCH];
    size_t step, input, output, wide;
    for (input = 0; input < inputs; input++)
        for (output = 0; output < outputs; output++)
            sums[input][output] = har_all(0.0f);
    for (step = 0; step < steps; step++, from.values += from.stride, to.values += to.stride)
        for (wide = 0; wide < HAR_WIDE; wide++) {
            har_lanes out[HAR_PATCH];
            for (output = 0; output < outputs; output++) {
                out[output] = to.values[output * HAR_WIDE + wide];
                HAR_IN_REGISTER(out[output]);
            }
            for (input = 0; input < inputs; input++) {
                har_lanes in = from.values[input * HAR_WIDE + wide];
                HAR_IN_REGISTER(in);
                for (output = 0; output < outputs; output++)
                    sums[input][output] += in * out[output];
            }
        }
    for (input = 0; input < inputs; input++) {
        if (outputs == HAR_PATCH)
            har_add_four_sums(sums[input], gradient + input * width);
        else
            for (output = 0; output < outputs; output++)
                gradient[input * width + output] += har_sum_lanes(sums[input][output]);
    }
}

/* gradient[input][output] += sum over steps and lanes of from[input] x to[output]; gradient (inputs, width). */
static inline void har_add_outer(size_t steps, har_series from, size_t inputs, har_series to, size_t outputs,
                                 float *gradient, size_t width)
{
    size_t input, output;
    for (output = 0; output < outputs; output += HAR_PATCH) {
        const size_t wide = outputs - output < HAR_PATCH ? outputs - output : HAR_PATCH;
        for (input = 0; input < inputs; input += HAR_PATCH_INPUTS) {
            const size_t high = inputs - input < HAR_PATCH_INPUTS ? inputs - input : HAR_PATCH_INPUTS;
            const har_series a = {from.values + input * HAR_WIDE, from.stride};
            const har_series b = {to.values + output * HAR_WIDE, to.stride};
            float *patch = gradient + input * width + output;
            if (high == HAR_PATCH_INPUTS && wide == HAR_PATCH)
                har_add_patch(HAR_PATCH_INPUTS, HAR_PATCH, steps, a, b, patch, width);
            else if (high == HAR_PATCH_INPUTS - 1 && wide == HAR_PATCH)
                har_add_patch(HAR_PATCH_INPUTS - 1, HAR_PATCH, steps, a, b, patch, width);
            else
                har_add_patch(high, wide, steps, a, b, patch, width);
        }
    }
}

/* gradient[output] += sum over steps and lanes of to[output]. */
static inline void har_add_sums(size_t steps, har_series to, size_t outputs, float *gradient)
{
    size_t step, output, k;
    for (output = 0; output < outputs; output += HAR_PATCH) {
        const size_t wide = outputs - output < HAR_PATCH ? outputs - output : HAR_PATCH;
        har_lanes sums[HAR_PATCH];
        for (k = 0; k < HAR_PATCH; k++)
            sums[k] = har_all(0.0f);
        for (step = 0; step < steps; step++) {
            const har_lanes *values = to.values + step * to.stride + output * HAR_WIDE;
            for (k = 0; k < wide; k++)
                sums[k] += values[k * HAR_WIDE] + values[k * HAR_WIDE + 1];
        }
        for (k = 0; k < wide; k++)
            gradient[output + k] += har_sum_lanes(sums[k]);
    }
}

#endif
