/* Recurrent layers over one window as a wave: each layer runs a few steps behind the one before it.
 *
 * What a layer's inputs add up to needs no state, so it is computed for those few steps in one small matrix product, which
 * loads a weight once for several steps. Only the recurrent kernels are walked at every step; they stay in the
 * first-level cache. Layers take their steps in turn and do not wait for each other: while one computes its activations,
 * the next one's product runs. Each sum is added up in the order of har_engine.c, whose cells do the steps: the same bits.
 *
 * Included once, behind har_engine.c with the arithmetic of har_units.h. */
#ifndef HAR_WAVE_H
#define HAR_WAVE_H

/* Four lanes in 16 registers, without a fused product, are busy enough with one step: there a wave costs 6 %. */
#if HAR_MANY_REGISTERS || defined(__AVX__)
#define HAR_WAVE_PAYS 1
#else
#define HAR_WAVE_PAYS 0
#endif

#define HAR_WAVE_STEPS 16
#define HAR_WAVE_LAYERS 8

typedef struct har_wave_layer {
    har_layer cell; /* the layer with a kernel that has no weights: sums of the inputs are in the scratch memory */
    const har_matrix *kernel;
    har_cursor at;
    har_series sums;    /* of the inputs of HAR_WAVE_STEPS steps */
    har_lanes *outputs; /* (HAR_WAVE_STEPS, units) */
} har_wave_layer;

/* Vectors that one step of a layer needs as scratch memory. */
HAR_INLINE size_t har_wave_scratch(const har_layer *layer)
{
    return HAR_SPAN(layer->kernel.outputs) * (layer->kind == HAR_GRU_RESET_AFTER ? 2u : 1u);
}

/* Vectors of memory for all layers of a wave; 0 where the layers are not such as can run in one. */
static size_t har_wave_vectors(const har_model *model)
{
    size_t vectors = 0;
    uint8_t index;
    if (!HAR_WAVE_PAYS || model->step_layers > HAR_WAVE_LAYERS || model->needs_whole_windows || model->is_masked)
        return 0;
    for (index = 0; index < model->step_layers; index++) {
        const har_layer *layer = model->layers + index;
        if (layer->kind < HAR_SIMPLE_RNN || layer->kind > HAR_GRU_RESET_AFTER || layer->units % HAR_LANES != 0)
            return 0;
        vectors += HAR_WAVE_STEPS * (har_wave_scratch(layer) + HAR_SPAN(layer->units));
    }
    return vectors;
}

/* Give every layer its memory: ``vectors`` of it beside the engine's own, which keeps the states. */
static void har_wave_open(har_wave_layer *layers, const har_engine *engine, har_lanes *vectors)
{
    const har_model *model = engine->model;
    har_cursor at = {NULL, engine->sums, engine->values};
    uint8_t index;
    for (index = 0; index < model->step_layers; index++) {
        const har_layer *layer = model->layers + index;
        const size_t scratch = har_wave_scratch(layer);
        layers[index].cell = *layer;
        layers[index].cell.kernel.weights = NULL;
        layers[index].kernel = &layer->kernel;
        layers[index].at = at;
        layers[index].sums = (har_series){(float *)vectors, scratch * HAR_LANES};
        layers[index].outputs = vectors + HAR_WAVE_STEPS * scratch;
        vectors += HAR_WAVE_STEPS * (scratch + HAR_SPAN(layer->units));
        at.sums += har_kept_sums(layer);
        at.values += har_kept_values(layer);
    }
}

/* One step of one layer, the sums of whose inputs are there. */
HAR_INLINE void har_wave_step(har_wave_layer *layer, size_t step)
{
    const size_t units = HAR_SPAN(layer->cell.units);
    size_t k;
    layer->at.scratch = (har_lanes *)(layer->sums.numbers + step * layer->sums.stride);
    har_step_layer(&layer->cell, NULL, &layer->at);
    for (k = 0; k < units; k++)
        layer->outputs[step * units + k] = layer->at.values[k];
}

/* Run the layers over a whole window; ``vectors``: as many as har_wave_vectors says. */
static void har_wave_run(har_engine *engine, har_lanes *vectors, const float *window)
{
    const har_model *model = engine->model;
    const size_t depth = model->step_layers, steps = model->window;
    har_wave_layer layers[HAR_WAVE_LAYERS];
    size_t wave, index, step, own[HAR_WAVE_LAYERS];
    har_wave_open(layers, engine, vectors);
    for (wave = 0; wave < steps + (depth - 1) * HAR_WAVE_STEPS; wave += HAR_WAVE_STEPS) {
        for (index = 0; index < depth; index++) {
            const size_t first = wave - index * HAR_WAVE_STEPS; /* beyond the window before the layer has begun */
            const float *inputs = index ? (const float *)layers[index - 1].outputs : window + first * model->channels;
            own[index] = first >= steps ? 0 : (steps - first < HAR_WAVE_STEPS ? steps - first : HAR_WAVE_STEPS);
            har_set_sums(layers[index].kernel, own[index], inputs, layers[index].sums);
        }
        for (step = 0; step < HAR_WAVE_STEPS; step++)
            for (index = 0; index < depth; index++)
                if (step < own[index])
                    har_wave_step(layers + index, step);
    }
    engine->steps = model->window;
}

#endif
