/* What the module asks of either engine: float, or integers alone. */
#ifndef HAR_WEB_ENGINE_H
#define HAR_WEB_ENGINE_H

#include <stdint.h>

/* Two of har_status; the engines' own header means one of them only. */
#define HAR_WEB_BAD_ARGUMENT 1u
#define HAR_WEB_SMALL_MEMORY 2u

typedef struct har_web_shape {
    uint32_t window;
    uint32_t channels;
    uint32_t classes;
    uint32_t gives_numbers;
    uint32_t sample_bits;
    uint32_t memory; /* bytes to work in */
} har_web_shape;

typedef struct har_web_engine {
    uint32_t (*open)(const void *blob, uint32_t bytes, har_web_shape *shape);
    uint32_t (*predict)(void *memory, const void *window, void *outputs);
} har_web_engine;

extern const har_web_engine har_web_float;
extern const har_web_engine har_web_integer;

#endif
