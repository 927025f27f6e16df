/**
 * The output layer fitted to one person and pulled to the general one, by Newton's method with conjugate gradients.
 *
 * The same as edgehar.pipeline.training.personalization.output_layer: the minimum of
 *
 *     mean over windows of the cross-entropy + strength * |W - W_general|²
 *
 * Layers here are flat: units rows of one column a class, then a row of biases.
 *
 * @module output-layer
 */

const NEWTON_STEPS = 30;
const CONJUGATE_STEPS = 200;
const SMALL_GRADIENT = 1e-6;

/** Return the softmax of every row of `classes` numbers. */
export function softmaxRows(logits, classes) {
  const found = new Float64Array(logits.length);
  for (let row = 0; row < logits.length; row += classes) {
    let top = -Infinity;
    for (let k = 0; k < classes; k++) top = Math.max(top, logits[row + k]);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += found[row + k] = Math.exp(logits[row + k] - top);
    for (let k = 0; k < classes; k++) found[row + k] /= sum;
  }
  return found;
}

/** Return the logits that a flat layer gives for states, row by row. */
export function logitsOf(layer, states, units, classes) {
  const count = states.length / units;
  const found = new Float64Array(count * classes);
  for (let row = 0; row < count; row++) {
    for (let k = 0; k < classes; k++) found[row * classes + k] = layer[units * classes + k];
    for (let unit = 0; unit < units; unit++) {
      const state = states[row * units + unit];
      for (let k = 0; k < classes; k++) found[row * classes + k] += state * layer[unit * classes + k];
    }
  }
  return found;
}

/**
 * Return the layer where the loss is least, from the general one downhill.
 *
 * @param {ArrayLike<number>} general Flat, of (units + 1) x classes numbers.
 * @param {{states: ArrayLike<number>, targets: ArrayLike<number>, units: number, classes: number, strength: number}} problem
 * @returns {Float64Array}
 */
export function fitOutputLayer(general, { states, targets, units, classes, strength }) {
  const count = states.length / units;
  const layer = Float64Array.from(general);

  // Inputs transposed times rows of `classes` numbers: what a difference of logits does to the layer.
  const gathered = (rows) => {
    const sums = new Float64Array(layer.length);
    for (let row = 0; row < count; row++) {
      for (let unit = 0; unit <= units; unit++) {
        const state = unit < units ? states[row * units + unit] : 1;
        for (let k = 0; k < classes; k++) sums[unit * classes + k] += state * rows[row * classes + k];
      }
    }
    return sums;
  };
  const loss = (candidate) => {
    const logits = logitsOf(candidate, states, units, classes);
    let sum = 0;
    for (let row = 0; row < logits.length; row += classes) {
      let [top, total] = [-Infinity, 0];
      for (let k = 0; k < classes; k++) top = Math.max(top, logits[row + k]);
      for (let k = 0; k < classes; k++) total += Math.exp(logits[row + k] - top);
      sum += top + Math.log(total);
      for (let k = 0; k < classes; k++) sum -= logits[row + k] * targets[row + k];
    }
    return sum / count + strength * candidate.reduce((pull, weight, at) => pull + (weight - general[at]) ** 2, 0);
  };
  const curvature = (found, direction) => {
    const moved = logitsOf(direction, states, units, classes);
    for (let row = 0; row < moved.length; row += classes) {
      let mean = 0;
      for (let k = 0; k < classes; k++) mean += found[row + k] * moved[row + k];
      for (let k = 0; k < classes; k++) moved[row + k] = found[row + k] * (moved[row + k] - mean);
    }
    return gathered(moved).map((value, at) => value / count + 2 * strength * direction[at]);
  };

  for (let step = 0; step < NEWTON_STEPS; step++) {
    const found = softmaxRows(logitsOf(layer, states, units, classes), classes);
    const off = gathered(found.map((value, at) => value - targets[at]));
    const gradient = off.map((value, at) => value / count + 2 * strength * (layer[at] - general[at]));
    if (gradient.every((slope) => Math.abs(slope) < SMALL_GRADIENT)) break;
    const direction = newtonDirection((along) => curvature(found, along), gradient);
    const [slope, now] = [dot(gradient, direction), loss(layer)];
    let length = 1;
    const candidate = () => layer.map((weight, at) => weight + length * direction[at]);
    while (loss(candidate()) > now + 1e-4 * length * slope && length > 1e-6) length /= 2;
    layer.set(candidate());
  }
  return layer;
}

/** Return -H⁻¹ g by conjugate gradients; H is never made. */
function newtonDirection(curvature, gradient) {
  const solution = new Float64Array(gradient.length);
  const rest = gradient.map((slope) => -slope);
  let direction = rest.slice();
  let size = dot(rest, rest);
  const enough = size * Math.min(0.1, Math.sqrt(size)) ** 2;
  for (let step = 0; step < CONJUGATE_STEPS; step++) {
    const curved = curvature(direction);
    const length = size / dot(direction, curved);
    for (let at = 0; at < rest.length; at++) {
      solution[at] += length * direction[at];
      rest[at] -= length * curved[at];
    }
    const before = size;
    size = dot(rest, rest);
    if (size <= enough) break;
    const kept = size / before;
    direction = direction.map((value, at) => rest[at] + kept * value);
  }
  return solution;
}

function dot(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += one[at] * other[at];
  return sum;
}
