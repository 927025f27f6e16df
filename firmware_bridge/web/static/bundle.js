/**
 * Loading a bundle: sizes are bounded before anything is read, and hashes are checked.
 *
 * @module bundle
 */

import { Engine } from "./engine.js";
import { HarError } from "./errors.js";
import { checkManifest, MAXIMUM_BLOB_BYTES } from "./manifest.js";
import { Stream } from "./stream.js";

const MAXIMUM_MANIFEST_BYTES = 2 ** 20;
const GZIP = [0x1f, 0x8b];

/** A bundle that was loaded: what it says about itself, and an engine that runs it. */
export class Model {
  #module;

  /**
   * @param {object} description What `checkManifest` returns.
   * @param {object} how
   * @param {WebAssembly.Module} how.module har.wasm, compiled.
   * @param {Uint8Array} how.blob The tables that the engine shall run.
   * @param {string} how.quantization Of the artifact that was chosen.
   * @param {string} how.sha256 Of the artifact, as the manifest says.
   * @param {boolean} how.verified Whether that hash was checked.
   */
  constructor(description, { module, blob, quantization, sha256, verified }) {
    const engine = new Engine(module, blob);
    const { windowLength, channels, labels } = description;
    if (engine.windowLength !== windowLength || engine.channels !== channels || engine.classes !== labels.length) {
      throw new HarError(
        `expected a model of ${windowLength} x ${channels} numbers and ${labels.length} classes, as the manifest says, got ` +
          `${engine.windowLength} x ${engine.channels} and ${engine.classes}: compile the bundle again`,
      );
    }
    Object.assign(this, description);
    this.#module = module;
    this.description = description;
    this.engine = engine;
    this.blob = blob;
    this.quantization = quantization;
    this.sha256 = sha256;
    /** Whether the hash in the manifest was checked; a page over plain HTTP cannot. */
    this.verified = verified;
  }

  /**
   * Return the same model with other weights, as personalization makes them.
   *
   * @param {Uint8Array} blob
   * @returns {Model}
   */
  withBlob(blob) {
    const { quantization, sha256, verified } = this;
    return new Model(this.description, { module: this.#module, blob, quantization, sha256, verified });
  }

  /**
   * Classify windows.
   *
   * @param {Float32Array} windows In g; see `Engine.predict`.
   * @returns {Float32Array}
   */
  predict(windows) {
    return this.engine.predict(windows);
  }

  /**
   * Classify a stream of samples as they come.
   *
   * @param {{rateHz: number, hop?: number, bridgeS?: number, lagS?: number}} options See `Stream`.
   * @returns {Stream}
   */
  stream(options) {
    return new Stream(this, options);
  }
}

/**
 * Load a bundle: its manifest, and the blob of the C engine that it names.
 *
 * @param {string | URL} url The bundle's folder, or its manifest.json.
 * @param {object} [options]
 * @param {string} [options.quantization] `float32`, `int8`, or `auto`: float32 where there is one.
 * @param {WebAssembly.Module} [options.module] har.wasm, where it was compiled already.
 * @param {typeof fetch} [options.fetch] What reads a URL.
 * @returns {Promise<Model>}
 * @throws {HarError} If there is no bundle, it contradicts itself, it was altered, or the engine cannot run it.
 */
export async function load(url, { quantization = "auto", module, fetch: get = globalThis.fetch } = {}) {
  const place = new URL(url, globalThis.document?.baseURI);
  if (!place.pathname.endsWith("/manifest.json")) {
    if (!place.pathname.endsWith("/")) place.pathname += "/";
    place.pathname += "manifest.json";
  }
  const text = await read(get, place, MAXIMUM_MANIFEST_BYTES);
  const description = checkManifest(parse(text));
  const artifact = chooseArtifact(description, quantization);
  const blob = await read(get, new URL(artifact.file, place), artifact.bytes);
  const verified = await checkHash(blob, artifact);
  const compiled = module ?? (await compileEngine(get));
  const { quantization: chosen, sha256 } = artifact;
  return new Model(description, { module: compiled, blob, quantization: chosen, sha256, verified });
}

/**
 * Fetch and compile a WebAssembly module that lies beside this file.
 *
 * @param {typeof fetch} [get] What reads a URL.
 * @param {string} [name] The engine's by default.
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compileEngine(get = globalThis.fetch, name = "har.wasm") {
  return WebAssembly.compile(await fetchFile(name, get));
}

/** Fetch a file that lies beside this one; `har phone` gzips some of them. */
export async function fetchFile(name, get = globalThis.fetch) {
  const content = await read(get, new URL(name, import.meta.url), MAXIMUM_BLOB_BYTES);
  if (content[0] !== GZIP[0] || content[1] !== GZIP[1]) return content;
  const unpacked = new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unpacked).arrayBuffer();
}

/** Read a URL, and stop at the first byte too many. */
async function read(get, url, limit) {
  let response;
  try {
    response = await get(url, { credentials: "omit" });
  } catch (error) {
    throw new HarError(`${shortName(url)} cannot be read (${error.message}): is the server still there?`);
  }
  if (!response.ok) throw new HarError(`${shortName(url)}: expected a file, the server says ${response.status}`);
  const chunks = [];
  let size = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new HarError(`${shortName(url)}: expected at most ${limit} bytes, got more: do not use this bundle`);
    }
    chunks.push(value);
  }
  const content = new Uint8Array(size);
  chunks.reduce((at, chunk) => (content.set(chunk, at), at + chunk.length), 0);
  return content;
}

function shortName(url) {
  return url.pathname.split("/").pop();
}

function parse(content) {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    throw new HarError("manifest.json: expected JSON, got something else: this is no bundle");
  }
}

/** Hold a blob to its hash; return whether that could be done: only secure pages can compute one. */
async function checkHash(blob, artifact) {
  if (blob.length !== artifact.bytes) {
    throw new HarError(`${artifact.file}: expected ${artifact.bytes} bytes, got ${blob.length}: load it again`);
  }
  if (!globalThis.crypto?.subtle) return false;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", blob));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== artifact.sha256) {
    throw new HarError(`${artifact.file}: expected sha256 ${artifact.sha256.slice(0, 12)}…, got ${hex.slice(0, 12)}…`);
  }
  return true;
}

function chooseArtifact({ artifacts, modelId }, quantization) {
  const wanted = quantization === "auto" ? ["float32", "int8"] : [quantization];
  for (const name of wanted) {
    const found = artifacts.find((entry) => entry.quantization === name);
    if (found) return found;
  }
  throw new HarError(
    `${modelId}: expected an artifact of the C engine (${wanted.join(" or ")}), there is none: ` +
      "run har compile BUNDLE --format c",
  );
}
