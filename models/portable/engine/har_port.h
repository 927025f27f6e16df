/* Where chips differ: constants in flash, and which multiplication is cheap. */
#ifndef HAR_PORT_H
#define HAR_PORT_H

#include <stdint.h>
#include <string.h>

#if defined(__AVR__)
/* A Harvard machine: constants live in flash, behind instructions of their own. */
#include <avr/pgmspace.h>
#define HAR_FLASH PROGMEM
#define HAR_VIEW(type, name, address) \
    type name##_copy;                 \
    const type *const name = memcpy_P(&name##_copy, (address), sizeof(type))
#define HAR_COPY(to, from, bytes) memcpy_P((to), (from), (bytes))
#define HAR_READ_I8(address) ((int8_t)pgm_read_byte(address))
#define HAR_READ_U16(address) pgm_read_word(address)
#define HAR_READ_I32(address) ((int32_t)pgm_read_dword(address))
#else
#define HAR_FLASH
#define HAR_VIEW(type, name, address) const type *const name = (address)
#define HAR_COPY(to, from, bytes) memcpy((to), (from), (bytes))
#define HAR_READ_I8(address) (*(address))
#define HAR_READ_U16(address) (*(address))
#define HAR_READ_I32(address) (*(address))
#endif

/* Small functions: copied into their callers where there is flash for that, shared where there is not. */
#if defined(__AVR__)
#define HAR_ROUTINE static __attribute__((noinline, unused))
#else
#define HAR_ROUTINE static inline
#endif

/* A large function of few models: in a page, of which every byte is loaded, it is made small and not fast; as small as can
 * be where HAR_SMALLEST says so. */
#if defined(__wasm__) && defined(HAR_SMALLEST)
#define HAR_SELDOM static __attribute__((noinline, cold, minsize))
#elif defined(__wasm__)
#define HAR_SELDOM static __attribute__((noinline, cold))
#else
#define HAR_SELDOM static
#endif

/* A loop body whose constant arguments must be seen where it is used. */
#if defined(__GNUC__)
#define HAR_INLINE static inline __attribute__((always_inline))
#define HAR_UNROLL _Pragma("GCC unroll 16")
#else
#define HAR_INLINE static inline
#define HAR_UNROLL
#endif

/* A 64-bit product is one instruction on most chips, and a long routine on these two. */
#if defined(__AVR__) || (defined(__ARM_ARCH) && __ARM_ARCH == 6)
#define HAR_NARROW_MULTIPLY 1
#endif

#endif
