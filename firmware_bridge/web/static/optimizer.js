/**
 * AdamW without decay over one flat array, gradients clipped by their norm; the rate of every step.
 *
 * The same as edgehar.pipeline.training.optimizer and .schedule.
 *
 * @module optimizer
 */

const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const SMALL = 1e-7;

/** The moments of every parameter, and the step that follows from them. */
export class Adam {
  #first;
  #second;
  #clipNorm;
  #steps = 0;

  /** @param {{count: number, clipNorm: number}} options */
  constructor({ count, clipNorm }) {
    this.#first = new Float32Array(count);
    this.#second = new Float32Array(count);
    this.#clipNorm = clipNorm;
  }

  /** Move parameters once, in place. */
  step(parameters, gradient, learningRate) {
    const length = Math.sqrt(gradient.reduce((sum, slope) => sum + slope * slope, 0));
    const shorter = length > this.#clipNorm ? this.#clipNorm / length : 1;
    this.#steps++;
    const rate = (learningRate * Math.sqrt(1 - SECOND_DECAY ** this.#steps)) / (1 - FIRST_DECAY ** this.#steps);
    for (let index = 0; index < parameters.length; index++) {
      const slope = gradient[index] * shorter;
      this.#first[index] += (slope - this.#first[index]) * (1 - FIRST_DECAY);
      this.#second[index] += (slope * slope - this.#second[index]) * (1 - SECOND_DECAY);
      parameters[index] -= (rate * this.#first[index]) / (Math.sqrt(this.#second[index]) + SMALL);
    }
  }
}

/** The learning rate of one step: a linear climb from zero, then a cosine down to zero. */
export function learningRate(step, steps, { peak, warmup }) {
  const progress = step / steps;
  if (progress < warmup) return (peak * progress) / warmup;
  return peak * 0.5 * (1 + Math.cos((Math.PI * (progress - warmup)) / (1 - warmup)));
}
