/* One recurrent layer in training: its weights, their gradients, and what it did at every step of a tile. */
#ifndef HAR_TRAIN_LAYER_H
#define HAR_TRAIN_LAYER_H

#include "har_train_lanes.h"

typedef struct {
    int32_t kind;
    size_t inputs, units;
    size_t width;         /* columns of the kernels: units x gates */
    size_t state;         /* vectors of one state */
    size_t input, stride; /* vectors from one step's inputs, and from its state, to the next step's */
    size_t kept;          /* the same of the gates, later gradients of sums; a GRU keeps a fourth, see the cells */
    const float *kernel, *recurrent, *bias;
    size_t kernel_at, recurrent_at, bias_at; /* where these are in the flat arrays */
    float *kernel_transposed, *recurrent_transposed;
    float *joint_bias;  /* of a GRU: the sum of its two biases */
    har_lanes *states;  /* (1 + steps, stride), the first are zeros */
    har_lanes *cells;   /* the same of an LSTM */
    har_lanes *entered; /* states as they enter the next step: states, or these times the mask */
    har_lanes *mask;    /* (state), or NULL */
    har_lanes *gates;   /* (steps, kept) */
    har_lanes *inputs_gradient; /* (steps, input), not of the first layer */
    har_lanes *carried, *carried_cells, *through; /* (state) each: the gradient on its way back */
} har_train_layer;

/* Gates, biases, and values kept of a step, of each unit. */
size_t har_train_gates(int32_t kind);
size_t har_train_biases(int32_t kind);
size_t har_train_kept(int32_t kind);

void har_train_layer_forward(har_train_layer *layer, size_t steps, const har_lanes *inputs);

/* upstream (steps, stride): the gradient at every state; ``flat`` is the whole gradient. Afterwards inputs_gradient is
 * set, unless it is missing. */
void har_train_layer_backward(har_train_layer *layer, size_t steps, const har_lanes *inputs, const har_lanes *upstream,
                              float *flat);

#endif
