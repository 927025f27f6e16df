/**
 * Loss and gradient of a stack of recurrent layers with a softmax layer, by the trainer in C (har_train.wasm).
 *
 * @module gradients
 */

import { HarError } from "./errors.js";

const PAGE = 65_536;
const ALIGNMENT = 64;
const MOST_LAYERS = 8;
/** Windows that are computed in one call; a batch is at most so many. */
export const MOST_WINDOWS = 128;

/** Computes losses and gradients of one model; its memory is its own. */
export class StackGradients {
  #c;
  #next;
  #model;
  #stack;
  #answers;
  #at;
  #count;

  /**
   * @param {WebAssembly.Module} module har_train.wasm, compiled.
   * @param {{steps: number, channels: number, classes: number, layers: {kind: number, units: number}[]}} model
   * @param {{steps: number[], shares: number[]}} answers The steps, from 0, at which the output layer answers, and what
   *   each answer counts.
   */
  constructor(module, model, answers) {
    this.#c = new WebAssembly.Instance(module).exports;
    this.#c._initialize();
    this.#next = this.#c.__heap_base.value;
    this.#model = model;
    const { steps, channels, classes, layers } = model;
    this.#stack = this.#take(16 + 8 * MOST_LAYERS);
    const integers = this.#integers(this.#stack, 4 + 2 * MOST_LAYERS);
    integers.set([steps, channels, classes, layers.length]);
    layers.forEach(({ kind, units }, index) => {
      integers[4 + index] = kind;
      integers[4 + MOST_LAYERS + index] = units;
    });
    this.#count = this.#c.har_train_parameters(this.#stack);
    const memory = this.#c.har_train_memory(this.#stack, answers.steps.length);
    if (!this.#count || !memory) throw new HarError("expected a model that the trainer knows: report this, it is a bug");
    this.#at = {
      memory: this.#take(memory),
      steps: this.#take(4 * answers.steps.length),
      shares: this.#take(4 * answers.steps.length),
      parameters: this.#take(4 * this.#count),
      gradient: this.#take(4 * this.#count),
      windows: this.#take(4 * MOST_WINDOWS * steps * channels),
      targets: this.#take(4 * MOST_WINDOWS * classes),
      result: this.#take(24),
    };
    this.#integers(this.#at.steps, answers.steps.length).set(answers.steps);
    this.#floats(this.#at.shares, answers.shares.length).set(answers.shares);
    this.#answers = this.#take(16);
    this.#integers(this.#answers, 4).set([this.#at.steps, this.#at.shares, answers.steps.length, 1]);
  }

  /** @returns {number} Numbers in the flat arrays. */
  get parameterCount() {
    return this.#count;
  }

  /**
   * Return the loss of a batch, its mean over windows, and its gradient.
   *
   * @param {Float32Array} parameters Flat.
   * @param {Float32Array} windows Normalised; at most `MOST_WINDOWS`.
   * @param {Float32Array} targets What every class should get, window after window.
   * @returns {{loss: number, finalLoss: number, correct: number, gradient: Float32Array}}
   */
  gradient(parameters, windows, targets) {
    const count = targets.length / this.#model.classes;
    const { memory, gradient, result } = this.#at;
    this.#floats(this.#at.parameters, this.#count).set(parameters);
    this.#floats(this.#at.windows, windows.length).set(windows);
    this.#floats(this.#at.targets, targets.length).set(targets);
    this.#floats(gradient, this.#count).fill(0);
    new Float64Array(this.#c.memory.buffer, result, 3).fill(0);
    const data = [this.#at.windows, this.#at.targets, 0, count, count, 1 / count];
    this.#check(
      this.#c.har_train_gradient(this.#stack, memory, this.#at.parameters, this.#answers, ...data, gradient, result),
    );
    const [loss, finalLoss, correct] = new Float64Array(this.#c.memory.buffer, result, 3);
    const own = this.#floats(gradient, this.#count).slice();
    return { loss: loss / count, finalLoss: finalLoss / count, correct, gradient: own };
  }

  /** Return the logits of normalised windows, however many: window after window, of the last step. */
  logits(parameters, windows) {
    const { steps, channels, classes } = this.#model;
    const [size, { targets }] = [steps * channels, this.#at];
    const count = windows.length / size;
    const found = new Float32Array(count * classes);
    this.#floats(this.#at.parameters, this.#count).set(parameters);
    for (let first = 0; first < count; first += MOST_WINDOWS) {
      const now = Math.min(MOST_WINDOWS, count - first);
      this.#floats(this.#at.windows, now * size).set(windows.subarray(first * size, (first + now) * size));
      const { memory, parameters: weights, windows: from } = this.#at;
      this.#check(this.#c.har_train_logits(this.#stack, memory, weights, from, now, targets));
      found.set(this.#floats(targets, now * classes), first * classes);
    }
    return found;
  }

  #check(status) {
    if (status) throw new HarError(`the trainer refused a batch (status ${status}): report this, it is a bug`);
  }

  #integers(at, count) {
    return new Int32Array(this.#c.memory.buffer, at, count);
  }

  #floats(at, count) {
    return new Float32Array(this.#c.memory.buffer, at, count);
  }

  #take(bytes) {
    const first = Math.ceil(this.#next / ALIGNMENT) * ALIGNMENT;
    this.#next = first + bytes;
    const { memory } = this.#c;
    const missing = Math.ceil((this.#next - memory.buffer.byteLength) / PAGE);
    try {
      if (missing > 0) memory.grow(missing);
    } catch {
      throw new HarError(`expected ${this.#next} bytes of memory to train in, the browser gives no more`);
    }
    return first;
  }
}

/** Return the steps whose answers enter the loss, and what each counts: in proportion to the samples it has seen. */
export function supervision(window, every) {
  const steps = [];
  for (let end = window; end > 0; end -= every) steps.unshift(end - 1);
  const seen = steps.reduce((sum, step) => sum + step + 1, 0);
  return { steps, shares: steps.map((step) => (step + 1) / seen) };
}
