/**
 * All weights fitted to one person: a few hundred small steps from the general model, by the trainer in C.
 *
 * The recipe of edgehar.pipeline.training.personalization.fine_tuning. The order and the augmentation are drawn by a
 * generator of this module's own, so that they are not those of Python; given batches give the same weights.
 *
 * @module fine-tuning
 */

import { HarError } from "./errors.js";
import { MOST_WINDOWS } from "./gradients.js";
import { Adam, learningRate } from "./optimizer.js";

const SELDOM = 0.2;

/** How weights are moved (decision 26). */
export const RECIPE = {
  steps: 300,
  peak: 3e-3,
  warmup: 0.07,
  clipNorm: 1,
  offsetSamples: 12,
  usualDeg: 6,
  seldomDeg: 25,
  superviseEvery: 10,
};

/**
 * Return weights after training on batches.
 *
 * @param {import("./gradients.js").StackGradients} gradients
 * @param {Float32Array} start Flat.
 * @param {Iterable<{values: Float32Array, targets: Float32Array}>} batches Endless, or of `steps`.
 * @param {{steps: number}} recipe
 * @param {() => void} [advance] Called after every step.
 * @throws {HarError} If the loss is no longer a finite number.
 */
export function fineTune(gradients, start, batches, recipe = RECIPE, advance = () => {}) {
  const parameters = start.slice();
  const optimizer = new Adam({ count: parameters.length, clipNorm: recipe.clipNorm });
  let step = 0;
  for (const { values, targets } of batches) {
    const { loss, gradient } = gradients.gradient(parameters, values, targets);
    if (!Number.isFinite(loss)) {
      throw new HarError(`step ${step + 1}: expected a finite loss, got ${loss}: are there wild values in a take?`);
    }
    optimizer.step(parameters, gradient, learningRate(step, recipe.steps, recipe));
    advance();
    if (++step >= recipe.steps) break;
  }
  return parameters;
}

/** Yield batches of shuffled, moved and turned windows in raw g with their labels, without end. */
export function* shuffledBatches(windows, places, { seed, offsetSamples, usualDeg, seldomDeg }) {
  const random = generator(seed);
  const size = Math.min(MOST_WINDOWS, places.length);
  for (;;) {
    const order = shuffled(places, random);
    for (let first = 0; first + size <= order.length; first += size) {
      const chosen = order.slice(first, first + size);
      const offsets = chosen.map(() => Math.floor(random() * (2 * offsetSamples + 1)) - offsetSamples);
      const values = windows.batch(chosen, offsets);
      turnAsOnOtherDays(values, size, { usualDeg, seldomDeg }, random);
      yield { values, labels: chosen.map(({ label }) => label) };
    }
  }
}

/**
 * Turn every window, of which every three channels are a vector, as its sensor may sit otherwise on another day: mostly a little, seldom by much (decision 29).
 *
 * @param {Float32Array} values Of `count` windows; changed.
 */
export function turnAsOnOtherDays(values, count, { usualDeg, seldomDeg }, random) {
  const length = values.length / count;
  for (let index = 0; index < count; index++) {
    const deviationDeg = random() < SELDOM ? seldomDeg : usualDeg;
    turn(values.subarray(index * length, (index + 1) * length), randomRotation(deviationDeg, random));
  }
}

function shuffled(places, random) {
  const order = [...places];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** A rotation around a random axis by a normally distributed angle (Rodrigues' formula). */
function randomRotation(deviationDeg, random) {
  const axis = [normal(random), normal(random), normal(random)];
  const length = Math.hypot(...axis) || 1;
  const [x, y, z] = axis.map((value) => value / length);
  const angle = (normal(random) * deviationDeg * Math.PI) / 180;
  const [s, c] = [Math.sin(angle), 1 - Math.cos(angle)];
  return [
    [1 - c * (y * y + z * z), c * x * y - s * z, c * x * z + s * y],
    [c * x * y + s * z, 1 - c * (x * x + z * z), c * y * z - s * x],
    [c * x * z - s * y, c * y * z + s * x, 1 - c * (x * x + y * y)],
  ];
}

function turn(window, rotation) {
  for (let at = 0; at < window.length; at += 3) {
    const [x, y, z] = window.subarray(at, at + 3);
    rotation.forEach((row, axis) => (window[at + axis] = row[0] * x + row[1] * y + row[2] * z));
  }
}

function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Numbers from 0 to below 1, the same for the same seed (Doty-Humphrey's sfc32). */
export function generator(seed) {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88 | 0, 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let skipped = 0; skipped < 15; skipped++) next();
  return next;
}
