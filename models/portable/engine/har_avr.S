/* The inner loop and the activation of the integer engine for 8-bit AVR, where a compiler needs two to three times as
 * long. har_integer.h says in C what both compute.
 *
 * void har_avr_add_rows(const int8_t *weights,          flash, two rows interleaved
 *                       const int16_t *values,
 *                       int32_t *sums,                  one per row, added to
 *                       const uint16_t *multipliers,    flash, one per row
 *                       uint8_t inputs, uint8_t rows,   1 to 252 each
 *                       uint8_t right);                 shift - 16, 0 to 31
 *
 * A value's signed high byte and unsigned low byte are multiplied
 * apart and added up in 24 bits each, which 252 products cannot overflow; the sign of a product is left in the carry,
 * where SBC finds it. The sum is scaled as a magnitude, so that rounding is half away from zero: eight byte products
 * without the lowest byte, then shifts that leave the last bit lost in the carry.
 */
#ifdef __AVR__

#define a_low0 r4 /* and r5, r6; r7 takes the sign when the parts are put together */
#define a_high0 r8
#define b_low0 r12
#define b_high0 r2 /* and r3, r11 */
#define weight r16
#define low r17
#define high r18
#define rows r19
#define count r20
#define inputs r21
#define right r22
#define zero r23
#define sign r7

    .macro product part0, part1, part2
    sbc sign, sign
    add \part0, r0
    adc \part1, r1
    adc \part2, sign
    .endm

    .macro input
    ld low, X+
    ld high, X+
    lpm weight, Z+
    muls weight, high
    product r8, r9, r10
    mulsu weight, low
    product r4, r5, r6
    lpm weight, Z+
    muls weight, high
    product r2, r3, r11
    mulsu weight, low
    product r12, r13, r14
    .endm

    .section .text.har_avr_add_rows, "ax", @progbits
    .global har_avr_add_rows
    .type har_avr_add_rows, @function

har_avr_add_rows:
    .irp saved, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, r17, r28, r29
    push \saved
    .endr
    movw r30, r24 /* Z: weights */
    movw r26, r22 /* X: values */
    movw r28, r20 /* Y: sums */
    movw r24, r18 /* multipliers */
    mov inputs, r16
    mov rows, r14
    mov right, r12
    clr zero

two_rows:
    .irp part, r2, r3, r4, r5, r6, r8, r9, r10, r11, r12, r13, r14
    clr \part
    .endr
    mov count, inputs
    subi count, -3
    lsr count
    lsr count
    sbrc inputs, 1
    rjmp two_or_three
    sbrc inputs, 0
    rjmp one_input
four_inputs:
    input
three_inputs:
    input
two_inputs:
    input
one_input:
    input
    dec count
    breq all_inputs
    rjmp four_inputs
two_or_three:
    sbrc inputs, 0
    rjmp three_inputs
    rjmp two_inputs
all_inputs:
    sub r26, inputs /* X back to the first value */
    sbc r27, zero
    sub r26, inputs
    sbc r27, zero

    mov r7, r6
    lsl r7
    sbc r7, r7
    add r5, r8
    adc r6, r9
    adc r7, r10
    rcall scale_and_add
    dec rows
    breq done
    mov r15, r14
    lsl r15
    sbc r15, r15
    add r13, r2
    adc r14, r3
    adc r15, r11
    movw r4, r12
    movw r6, r14
    rcall scale_and_add
    dec rows
    breq done
    rjmp two_rows

done:
    clr r1
    .irp saved, r29, r28, r17, r16, r15, r14, r13, r12, r11, r10, r9, r8, r7, r6, r5, r4, r3, r2
    pop \saved
    .endr
    ret

/* *Y++ += r4..r7 x *multipliers++ / 2^(16 + right); the product is r20 (lost), r8, r9, r10, r18 */
scale_and_add:
    movw r8, r30
    movw r30, r24
    lpm r16, Z+
    lpm r17, Z+
    movw r24, r30
    movw r30, r8
    bst r7, 7
    brtc 1f
    com r4
    com r5
    com r6
    com r7 /* leaves the carry set */
    adc r4, zero
    adc r5, zero
    adc r6, zero
    adc r7, zero
1:  mul r4, r16
    mov r20, r1
    mul r6, r16
    movw r8, r0
    mul r7, r17
    mov r10, r0
    mov r18, r1
    mul r5, r16
    add r20, r0
    adc r8, r1
    adc r9, zero
    adc r10, zero
    adc r18, zero
    mul r4, r17
    add r20, r0
    adc r8, r1
    adc r9, zero
    adc r10, zero
    adc r18, zero
    mul r5, r17
    add r8, r0
    adc r9, r1
    adc r10, zero
    adc r18, zero
    mul r7, r16
    add r9, r0
    adc r10, r1
    adc r18, zero
    mul r6, r17
    add r9, r0
    adc r10, r1
    adc r18, zero
    lsl r20
    sbrs right, 4
    rjmp 2f
    lsl r9
    mov r8, r10
    mov r9, r18
    clr r10
    clr r18
2:  sbrs right, 3
    rjmp 3f
    lsl r8
    mov r8, r9
    mov r9, r10
    mov r10, r18
    clr r18
3:  mov r16, right
    andi r16, 7
    breq 5f
4:  lsr r18
    ror r10
    ror r9
    ror r8
    dec r16
    brne 4b
5:  ld r16, Y
    ldd r17, Y+1
    ldd r20, Y+2
    ldd r0, Y+3
    brts 6f
    adc r16, r8
    adc r17, r9
    adc r20, r10
    adc r0, r18
    rjmp 7f
6:  sbc r16, r8
    sbc r17, r9
    sbc r20, r10
    sbc r0, r18
7:  st Y+, r16
    st Y+, r17
    st Y+, r20
    st Y+, r0
    ret

    .size har_avr_add_rows, . - har_avr_add_rows

/* int16_t har_avr_tanh(int32_t sum, const uint16_t *table in flash) */
    .section .text.har_avr_tanh, "ax", @progbits
    .global har_avr_tanh
    .type har_avr_tanh, @function

har_avr_tanh:
    movw r30, r20
    bst r25, 7
    brtc 1f
    com r25
    com r24
    com r23
    neg r22
    sbci r23, -1
    sbci r24, -1
    sbci r25, -1
1:  or r24, r25
    brne 2f
    sbrc r23, 7
    rjmp 2f
    add r30, r23 /* the high byte numbers the entry, the low one is the place behind it */
    adc r31, r24
    add r30, r23
    adc r31, r24
    lpm r18, Z+
    lpm r19, Z+
    lpm r20, Z+
    lpm r21, Z+
    sub r20, r18
    sbc r21, r19
    mul r20, r22
    lsl r0 /* round the byte that is dropped */
    adc r18, r1
    adc r19, r24
    mul r21, r22
    add r18, r0
    adc r19, r1
    clr r1
    movw r24, r18
    rjmp 3f
2:  ldi r24, 0xFF
    ldi r25, 0x7F
3:  brtc 4f
    com r25
    neg r24
    sbci r25, -1
4:  ret

    .size har_avr_tanh, . - har_avr_tanh

/* void har_avr_tanh_each(const int32_t *sums, int16_t *values, uint8_t count, const uint16_t *table in flash) */
    .section .text.har_avr_tanh_each, "ax", @progbits
    .global har_avr_tanh_each
    .type har_avr_tanh_each, @function

har_avr_tanh_each:
    .irp saved, r15, r16, r17, r28, r29
    push \saved
    .endr
    movw r28, r24
    movw r16, r22
    mov r15, r20
    movw r26, r18
1:  ld r22, Y+
    ld r23, Y+
    ld r24, Y+
    ld r25, Y+
    movw r20, r26
    rcall har_avr_tanh
    movw r30, r16
    st Z+, r24
    st Z+, r25
    movw r16, r30
    dec r15
    brne 1b
    .irp saved, r29, r28, r17, r16, r15
    pop \saved
    .endr
    ret

    .size har_avr_tanh_each, . - har_avr_tanh_each

/* void har_avr_copy(int32_t *sums, const int32_t *bias in flash, uint8_t count) */
    .section .text.har_avr_copy, "ax", @progbits
    .global har_avr_copy
    .type har_avr_copy, @function

har_avr_copy:
    movw r26, r24
    movw r30, r22
1:  .rept 4
    lpm r0, Z+
    st X+, r0
    .endr
    dec r20
    brne 1b
    ret

    .size har_avr_copy, . - har_avr_copy

#endif
