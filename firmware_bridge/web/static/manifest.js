/**
 * What a bundle says about itself, held to what a page uses of it. A bundle is a stranger's.
 *
 * @module manifest
 */

import { HarError } from "./errors.js";

/** Of one model for the C engine. */
export const MAXIMUM_BLOB_BYTES = 8 * 2 ** 20;

const LONGEST_TEXT = 1000;
const LARGEST_COUNT = 1_000_000;
const LARGEST_LOG_ODDS = 30;
const LONGEST_TIME_S = 3600;
const STRONGEST_PUSH_G = 16;
const PLAIN_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;
// Control and format characters; not the joiners that Persian, Hindi and many emoji are written with.
const HIDDEN_CHARACTERS = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;

/** Of models of acceleration, and of those that take the turning rate too, by their unit. */
const CHANNELS = { g: "x,y,z", "g and deg/s": "x,y,z,gx,gy,gz" };
const LARGEST_MEANS = [100, 100, 100, 10_000, 10_000, 10_000];

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value) => typeof value === "string" && value.length <= LONGEST_TEXT && !HIDDEN_CHARACTERS.test(value);
const isCount = (value, least = 0) => Number.isInteger(value) && value >= least && value <= LARGEST_COUNT;
const isWithin = (value, least, most) => typeof value === "number" && value >= least && value <= most;
const isTime = (value) => isWithin(value, 0, LONGEST_TIME_S) && value > 0;

function need(condition, expected) {
  if (!condition) throw new HarError(`manifest.json: expected ${expected}: this is no bundle, or it was altered`);
}

/**
 * Hold a manifest to what this module uses of it.
 *
 * @param {any} manifest Parsed JSON of anybody.
 * @returns {{modelId: string, labels: string[], windowLength: number, channels: number, hop: number, rateHz: number,
 *   mounting: string,
 *   normalization: {mean: number[], deviation: number[]} | null, decoder: object, metrics: object[], artifacts: object[]}}
 * @throws {HarError} If a key is missing, of the wrong type, or beyond what can be meant.
 */
export function checkManifest(manifest) {
  need(isObject(manifest), "an object");
  const [major] = String(manifest.schema).split(".");
  need(major === "1", `schema 1.x, got ${String(manifest.schema).slice(0, 20)}`);
  const { labels, window, decoder, artifacts, model_id: modelId } = manifest;
  need(isText(modelId), "a model_id");
  need((manifest.task ?? "multiclass") === "multiclass", "a model that gives one label of several");
  need(Array.isArray(labels) && labels.length >= 1 && labels.length <= 255, "1 to 255 labels");
  need(labels.every((label) => isText(label) && label) && new Set(labels).size === labels.length, "labels that differ");
  need(isObject(window) && isCount(window.length, 1) && isCount(window.hop, 1), "a window with a length and a hop");
  need(isWithin(window.rate_hz, 0.01, 100_000), "a rate that a sensor can have");
  const names = CHANNELS[window.unit];
  need(names, "acceleration in g, alone or with a turning rate in deg/s");
  need(Array.isArray(window.channels) && window.channels.join() === names, `the channels ${names}`);
  need(isText(window.mounting), "a mounting");
  need(Array.isArray(artifacts) && artifacts.length <= 100 && artifacts.every(isObject), "a list of artifacts");
  const usable = artifacts.filter((entry) => entry.format === "c");
  for (const entry of usable) {
    need(isText(entry.file) && PLAIN_NAME.test(entry.file), "plain names of files");
    need(Number.isInteger(entry.bytes) && entry.bytes > 0, "sizes of files");
    need(entry.bytes <= MAXIMUM_BLOB_BYTES, `files of at most ${MAXIMUM_BLOB_BYTES} bytes`);
    need(typeof entry.sha256 === "string" && /^[0-9a-f]{64}$/.test(entry.sha256), "hashes of files");
  }
  return {
    modelId,
    labels: [...labels],
    windowLength: window.length,
    channels: window.channels.length,
    hop: window.hop,
    rateHz: window.rate_hz,
    mounting: window.mounting,
    normalization: normalizationOf(manifest.normalization, window.channels.length),
    decoder: checkDecoder(decoder, labels),
    metrics: metricsOf(manifest.metrics),
    artifacts: usable,
  };
}

/** Return how training normalised samples, or null where that makes no sense: only training asks for it. */
function normalizationOf(entry, channels) {
  const isMean = (value, channel) => isWithin(value, -LARGEST_MEANS[channel], LARGEST_MEANS[channel]);
  const isVector = (values) => Array.isArray(values) && values.length === channels && values.every(isMean);
  if (!isObject(entry) || !isVector(entry.mean_g) || !isVector(entry.std_g)) return null;
  return entry.std_g.every((each) => each > 0) ? { mean: entry.mean_g, deviation: entry.std_g } : null;
}

/** Hold a decoder to what can be meant; before schema 1.2 there was less of it. */
function checkDecoder(decoder, labels) {
  need(isObject(decoder) && isCount(decoder.smoothing_windows, 1), "a decoder");
  need(isCount(decoder.minimum_dwell_windows), "a dwell");
  need(isWithin(decoder.reject_below, 0, 1), "a probability to reject below");
  const { transitions = [], stay_probability: stayProbability = 0, temperature = 0, push = null } = decoder;
  need(Array.isArray(transitions) && [0, labels.length].includes(transitions.length), "transitions of every label");
  for (const row of transitions) {
    need(Array.isArray(row) && row.length === labels.length, "a row of transitions for every label");
    need(row.every((p) => isWithin(p, 0, 1)), "transitions that are probabilities");
    need(Math.abs(row.reduce((sum, p) => sum + p, 0) - 1) <= 1e-6, "transitions that add up to 1");
  }
  const stays = isWithin(stayProbability, 1 / labels.length, 1) && stayProbability < 1;
  need(stayProbability === 0 || (stays && !transitions.length), "a probability of staying, or 0");
  const isMarkov = transitions.length > 0 || stayProbability > 0;
  need(isWithin(temperature, 0, LARGEST_COUNT) && (isMarkov || !temperature), "the temperature of a hidden Markov model");
  need(!isMarkov || decoder.smoothing_windows === 1, "either transitions or a mean over windows");
  return {
    smoothingWindows: decoder.smoothing_windows,
    rejectBelow: decoder.reject_below,
    minimumDwellWindows: decoder.minimum_dwell_windows,
    transitions,
    stayProbability,
    temperature,
    push: push === null ? null : checkPush(push, labels),
  };
}

function checkPush(push, labels) {
  need(isObject(push) && push.up !== push.down, "a push of two labels");
  need(labels.includes(push.up) && labels.includes(push.down), "a push of labels of the model");
  const { weak_g: weakG, strong_g: strongG, jump_g: jumpG, moving_g: movingG } = push;
  const { smoothing_s: smoothingS, baseline_s: baselineS, settling_s: settlingS, longest_push_s: longestPushS } = push;
  need(isWithin(push.log_odds, 0, LARGEST_LOG_ODDS) && push.log_odds > 0, "log odds of a push");
  need([weakG, strongG, jumpG].every((bound) => isWithin(bound, 0, STRONGEST_PUSH_G)), "bounds of a push");
  need(weakG > 0 && weakG <= strongG && strongG <= jumpG && movingG > 0, "bounds of a push in order");
  need([smoothingS, baselineS, settlingS, longestPushS].every(isTime) && settlingS <= baselineS, "times of a push");
  const bounds = { weakG, strongG, jumpG, movingG };
  return { up: push.up, down: push.down, logOdds: push.log_odds, ...bounds, smoothingS, baselineS, settlingS, longestPushS };
}

/** Return what was measured of a model, without entries that make no sense. */
function metricsOf(metrics) {
  const share = (value) => isWithin(value, 0, 1);
  return (Array.isArray(metrics) ? metrics.slice(0, 50) : [])
    .filter((entry) => isObject(entry) && share(entry.macro_f1) && isText(entry.protocol))
    .map((entry) => ({ protocol: entry.protocol, quantization: entry.quantization, macroF1: entry.macro_f1 }));
}
