/**
 * Rounding as Python's `round` does it, so that counts agree.
 *
 * @module rounding
 */

/** Round to the nearest whole number, halves to the even one, as Python's round does. */
export function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
