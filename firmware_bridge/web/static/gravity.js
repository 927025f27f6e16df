/**
 * How strong gravity is, which tells units apart.
 *
 * @module gravity
 */

/** One g in m/s² (CGPM 1901). */
export const STANDARD_GRAVITY = 9.80665;
