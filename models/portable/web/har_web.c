/* The module's memory, and which of the two engines a blob is for. */
#include "har_web.h"

#include "har_web_engine.h"

#include <stddef.h>

#define HAR_PAGE 65536u
#define HAR_CACHE_LINE 64u

/* Where a blob says which numbers it holds: 1 for float, 2 for integers. */
#define HAR_NUMBERS_AT 13u
#define HAR_INTEGERS 2

extern unsigned char __heap_base;

static const har_web_engine *const har_engines[] = {&har_web_float, &har_web_integer};

static uint32_t har_next;
static const har_web_engine *har_open_engine;
static uint32_t har_memory;
static har_web_shape har_shape;

uint32_t har_web_take(uint32_t bytes)
{
    const uint32_t base = har_next ? har_next : (uint32_t)(uintptr_t)&__heap_base;
    const uint64_t first = (base + (uint64_t)HAR_CACHE_LINE - 1) & ~(uint64_t)(HAR_CACHE_LINE - 1);
    const uint64_t end = first + bytes;
    const uint64_t there = (uint64_t)__builtin_wasm_memory_size(0) * HAR_PAGE;
    if (end > UINT32_MAX)
        return 0;
    if (end > there && __builtin_wasm_memory_grow(0, (size_t)((end - there + HAR_PAGE - 1) / HAR_PAGE)) == SIZE_MAX)
        return 0;
    har_next = (uint32_t)end;
    return (uint32_t)first;
}

uint32_t har_web_open(uint32_t blob, uint32_t bytes)
{
    const unsigned char *content = (const unsigned char *)(uintptr_t)blob;
    const int integers = blob && bytes > HAR_NUMBERS_AT && content[HAR_NUMBERS_AT] == HAR_INTEGERS;
    const har_web_engine *engine = har_engines[integers];
    har_web_shape shape = {0, 0, 0, 0, 0, 0};
    const uint32_t status = engine->open(content, bytes, &shape);
    har_open_engine = NULL;
    har_shape = (har_web_shape){0, 0, 0, 0, 0, 0};
    if (status)
        return status;
    har_memory = har_web_take(shape.memory);
    if (!har_memory)
        return HAR_WEB_SMALL_MEMORY;
    har_open_engine = engine;
    har_shape = shape;
    return 0;
}

uint32_t har_web_window(void)
{
    return har_shape.window;
}

uint32_t har_web_channels(void)
{
    return har_shape.channels;
}

uint32_t har_web_classes(void)
{
    return har_shape.classes;
}

uint32_t har_web_is_integer(void)
{
    return har_open_engine == &har_web_integer;
}

uint32_t har_web_gives_numbers(void)
{
    return har_shape.gives_numbers;
}

uint32_t har_web_sample_bits(void)
{
    return har_shape.sample_bits;
}

uint32_t har_web_predict(uint32_t window, uint32_t outputs)
{
    if (!har_open_engine || !window || !outputs)
        return HAR_WEB_BAD_ARGUMENT;
    return har_open_engine->predict((void *)(uintptr_t)har_memory, (const void *)(uintptr_t)window,
                                    (void *)(uintptr_t)outputs);
}
