/**
 * The weights in a model of the C engine, and another model with other weights; see edgehar.models.portable.blob.
 *
 * Only blobs that the engine has accepted are looked at here, and only those whose layers the trainer knows.
 *
 * @module blob
 */

import { HarError } from "./errors.js";

/** Later versions hold layers and heads that the trainer does not know. */
const VERSION = 1;
const HEADER_BYTES = 24;
const RECORD_BYTES = 44;
const FLOAT = 1;
const DENSE = 5;
const SOFTMAX = 5;
const MOST_LAYERS = 8;
/** The trainer's kind of an LSTM. */
export const LSTM = 1;
/** Kinds of the engine and of the trainer, and gates. */
const RECURRENT = new Map([
  [1, { kind: 0, gates: 1, biases: 1 }],
  [2, { kind: LSTM, gates: 4, biases: 4 }],
  [4, { kind: 2, gates: 3, biases: 6 }],
]);

/**
 * Read the weights.
 *
 * @param {Uint8Array} blob
 * @returns {{steps: number, channels: number, classes: number, layers: {kind: number, units: number}[],
 *   width: number, parameters: Float32Array, places: number[][]}} `parameters` are flat, in the order of Keras, for raw
 *   acceleration; `width` is how many columns the first kernel has.
 * @throws {HarError} If the trainer cannot move them.
 */
export function readWeights(blob) {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (blob[12] !== VERSION) {
    throw new HarError("expected SimpleRNN, LSTM or GRU layers and a softmax layer, this model has others: it stays as it is");
  }
  const depth = blob[14];
  if (blob[13] !== FLOAT) {
    throw new HarError("expected a model in float32, this one holds integers: write the page with --quantization float32");
  }
  const layers = [];
  const places = [];
  let units = 0;
  for (let index = 0; index < depth; index++) {
    const at = HEADER_BYTES + index * RECORD_BYTES;
    const known = index < depth - 1 ? RECURRENT.get(blob[at]) : null;
    const isOutput = index === depth - 1 && blob[at] === DENSE && blob[at + 1] === SOFTMAX;
    if ((!known && !isOutput) || depth < 2 || depth > MOST_LAYERS + 1) {
      throw new HarError("expected SimpleRNN, LSTM or GRU layers and a softmax layer, this model has others: it stays as it is");
    }
    const kernel = matrixAt(view, at + 4);
    places.push([kernel.weights, kernel.inputs * kernel.outputs]);
    if (known) {
      units = kernel.outputs / known.gates;
      layers.push({ kind: known.kind, units });
      const recurrent = matrixAt(view, at + 24);
      places.push([recurrent.weights, recurrent.inputs * recurrent.outputs], [kernel.bias, kernel.outputs]);
      if (known.biases > known.gates) places.push([recurrent.bias, recurrent.outputs]);
    } else {
      places.push([kernel.bias, kernel.outputs]);
    }
  }
  if (places.some(([offset]) => !offset)) throw new HarError("expected a bias in every layer, one has none");
  const parameters = new Float32Array(places.reduce((sum, [, count]) => sum + count, 0));
  let at = 0;
  for (const [offset, count] of places) {
    for (let index = 0; index < count; index++) parameters[at++] = view.getFloat32(offset + 4 * index, true);
  }
  const [steps, channels, classes] = [16, 18, 20].map((offset) => view.getUint16(offset, true));
  return { steps, channels, classes, layers, width: places[0][1] / channels, parameters, places };
}

/** Return the blob with other weights, and the checksum that they need. */
export function writeWeights(blob, places, parameters) {
  const own = blob.slice();
  const view = new DataView(own.buffer);
  let at = 0;
  for (const [offset, count] of places) {
    for (let index = 0; index < count; index++) view.setFloat32(offset + 4 * index, parameters[at++], true);
  }
  view.setUint32(4, crc32(own.subarray(8)), true);
  return own;
}

/**
 * Return weights for normalised acceleration as weights for raw acceleration, or the other way around.
 *
 * @param {Float32Array} parameters Flat, from `readWeights`.
 * @param {{channels: number, width: number, places: number[][]}} model
 * @param {{mean: number[], deviation: number[]}} normalization
 * @param {boolean} fold Whether to fold the normalization in; otherwise it is taken out.
 */
export function folded(parameters, { channels, width, places }, { mean, deviation }, fold) {
  const own = parameters.slice();
  const biasAt = places[0][1] + places[1][1];
  for (let column = 0; column < width; column++) {
    let shift = 0;
    for (let row = 0; row < channels; row++) {
      const at = row * width + column;
      const raw = fold ? parameters[at] / deviation[row] : parameters[at];
      own[at] = fold ? raw : raw * deviation[row];
      shift += mean[row] * raw;
    }
    own[biasAt + column] = parameters[biasAt + column] + (fold ? -shift : shift);
  }
  return own;
}

function matrixAt(view, at) {
  return {
    inputs: view.getUint16(at, true),
    outputs: view.getUint16(at + 2, true),
    weights: view.getUint32(at + 8, true),
    bias: view.getUint32(at + 12, true),
  };
}

/** The CRC-32 of zlib. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
