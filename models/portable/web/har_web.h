/* The engine as a WebAssembly module: one model, one window at a time, for a page that holds no C at all.
 *
 * A page makes one instance of the module for every model it runs. The instance imports nothing, so it can reach
 * nothing but its own memory, whatever the bytes of a stranger's model make of it.
 *
 *   har_web_take     memory for the blob, a window and the outputs; it is given back with the instance
 *   har_web_open     check the blob, and get ready to run it
 *   har_web_predict  a window in, probabilities or numbers out
 */
#ifndef HAR_WEB_H
#define HAR_WEB_H

#include <stdint.h>

#define HAR_WEB_EXPORT(name) __attribute__((export_name(#name))) name

/* Return the address of so many bytes, a multiple of 64, or 0 where there are no more. */
uint32_t HAR_WEB_EXPORT(har_web_take)(uint32_t bytes);

/* Take a blob that stays where it is. Return a har_status. */
uint32_t HAR_WEB_EXPORT(har_web_open)(uint32_t blob, uint32_t bytes);

/* What the open model takes and gives; all 0 before har_web_open has returned 0. */
uint32_t HAR_WEB_EXPORT(har_web_window)(void);
uint32_t HAR_WEB_EXPORT(har_web_channels)(void);
uint32_t HAR_WEB_EXPORT(har_web_classes)(void);

/* 1 where samples are int16 and probabilities uint16, 0 where both are float. */
uint32_t HAR_WEB_EXPORT(har_web_is_integer)(void);

/* 1 where outputs are numbers, int32 or float, 0 where they are probabilities. */
uint32_t HAR_WEB_EXPORT(har_web_gives_numbers)(void);

/* Bits below the point of an int16 sample. */
uint32_t HAR_WEB_EXPORT(har_web_sample_bits)(void);

/* Run one window (window, channels). Return a har_status. */
uint32_t HAR_WEB_EXPORT(har_web_predict)(uint32_t window, uint32_t outputs);

#endif
