/**
 * How strong gravity is, which tells units apart; and samples in g or in m/s².
 *
 * @module gravity
 */

/** One g in m/s² (CGPM 1901). */
export const STANDARD_GRAVITY = 9.80665;

const scaled = (sample, factor) => sample.map((value, channel) => (channel < 3 ? value * factor : value));

/** Return a sample in m/s² in g; a turning rate behind it, in degrees/s, stays what it is. */
export const toG = (sample) => scaled(sample, 1 / STANDARD_GRAVITY);

/** Return a sample in g in m/s². */
export const fromG = (sample) => scaled(sample, STANDARD_GRAVITY);
