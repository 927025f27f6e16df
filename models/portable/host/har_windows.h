/* Lanes are windows: many are classified at once, each number of the cells a vector with one lane a window. */
#include "har_lanes_arithmetic.h"

/* Windows that are masked are run one by one, in all lanes. */
#define HAR_ONE_OF(number) (number)[0]

/* Rows whose even and odd sums are in registers at once: with eight, AVX's 16 registers are too few; measured. */
#if defined(__AVX__) && !HAR_MANY_REGISTERS
#define HAR_WINDOW_ROWS 6
#else
#define HAR_WINDOW_ROWS 8
#endif

/* sums = bias, or zero */
HAR_INLINE void har_start(const har_matrix *matrix, har_lanes *sums)
{
    uint16_t row;
    for (row = 0; row < matrix->outputs; row++)
        sums[row] = har_all(matrix->bias ? matrix->bias[row] : 0.0f);
}

/* The loop of har_float.h: each weight meets the inputs of all windows. */
HAR_INLINE void har_add_few(const har_matrix *matrix, size_t row, size_t rows, const har_lanes *inputs, har_lanes *sums)
{
    const size_t outputs = matrix->outputs, count = matrix->inputs;
    const float *weights = matrix->weights + row;
    har_lanes even[HAR_WINDOW_ROWS], odd[HAR_WINDOW_ROWS];
    size_t column, k;
    for (k = 0; k < rows; k++) {
        even[k] = har_all(0.0f);
        odd[k] = har_all(0.0f);
    }
    for (column = 0; column + 1 < count; column += 2, weights += 2 * outputs)
        for (k = 0; k < rows; k++) {
            even[k] += inputs[column] * weights[k];
            odd[k] += inputs[column + 1] * weights[outputs + k];
        }
    if (column < count)
        for (k = 0; k < rows; k++)
            even[k] += inputs[column] * weights[k];
    for (k = 0; k < rows; k++)
        sums[row + k] += even[k] + odd[k];
}

/* sums[first..last) += weights x inputs */
static inline void har_add_rows(const har_matrix *matrix, uint16_t first, uint16_t last, const har_lanes *inputs,
                                har_lanes *sums)
{
    size_t row = first;
    for (; row + HAR_WINDOW_ROWS <= last; row += HAR_WINDOW_ROWS)
        har_add_few(matrix, row, HAR_WINDOW_ROWS, inputs, sums);
#if HAR_WINDOW_ROWS == 6
    /* Sixes of whole vectors of units leave an even number of rows. */
    for (; row + 2 <= last; row += 2)
        har_add_few(matrix, row, 2, inputs, sums);
#endif
    for (; row < last; row++)
        har_add_few(matrix, row, 1, inputs, sums);
}

/* query . key, of each window */
HAR_INLINE har_lanes har_score(const har_lanes *query, const har_lanes *key, uint16_t size, uint8_t bits)
{
    har_lanes even = har_all(0.0f), odd = har_all(0.0f);
    uint16_t k;
    (void)bits;
    for (k = 0; k + 1 < size; k += 2) {
        even += query[k] * key[k];
        odd += query[k + 1] * key[k + 1];
    }
    return k < size ? even + odd + query[k] * key[k] : even + odd;
}

/* Scores as powers, of which the largest of each window is 1. */
HAR_INLINE void har_powers(har_lanes *scores, uint16_t count)
{
    har_lanes largest = scores[0];
    uint16_t k, lane;
    for (k = 1; k < count; k++)
        largest = har_where(scores[k] > largest, scores[k], largest);
    for (k = 0; k < count; k++)
        for (lane = 0; lane < HAR_LANES; lane++)
            scores[k][lane] = expf(scores[k][lane] - largest[lane]);
}

/* The mean of steps, ``stride`` numbers apart, weighted by powers. */
HAR_INLINE void har_blend(const har_lanes *powers, uint16_t count, const har_lanes *steps, size_t stride,
                          uint16_t size, har_lanes *mean)
{
    har_lanes total = har_all(0.0f);
    uint16_t step, k;
    for (step = 0; step < count; step++)
        total += powers[step];
    for (k = 0; k < size; k++) {
        har_lanes sum = har_all(0.0f);
        for (step = 0; step < count; step++)
            sum += powers[step] * steps[step * stride + k];
        mean[k] = sum / total;
    }
}

/* Each logit by itself. */
HAR_INLINE void har_sigmoid_head(const har_lanes *logits, uint16_t classes, har_lanes *probabilities)
{
    uint16_t k;
    for (k = 0; k < classes; k++)
        probabilities[k] = har_sigmoid(logits[k]);
}

/* Shifted by the largest logit of each window, so that no input overflows. */
HAR_INLINE void har_softmax(har_lanes *logits, uint16_t classes, har_lanes *probabilities)
{
    har_lanes largest = logits[0], total = har_all(0.0f);
    uint16_t k, lane;
    for (k = 1; k < classes; k++)
        largest = har_where(logits[k] > largest, logits[k], largest);
    for (k = 0; k < classes; k++) {
        for (lane = 0; lane < HAR_LANES; lane++)
            probabilities[k][lane] = expf(logits[k][lane] - largest[lane]);
        total += probabilities[k];
    }
    for (k = 0; k < classes; k++)
        probabilities[k] /= total;
}
