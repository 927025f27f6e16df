// Load and run files with runtimes of Node: the counterpart of pipeline/inspection/probe.py, with the same lines of JSON.
// Usage: node tools/node_probe.mjs FOLDER   (its node_modules has onnxruntime-node and @litertjs/core)
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = path.join(path.resolve(process.argv[2]), 'node_modules');
const require = createRequire(path.join(modules, 'any.js'));

const answer = (facts) => fs.writeSync(1, JSON.stringify(facts) + '\n');

/** Return numbers in the nesting of a shape. */
function nested(numbers, shape) {
  if (shape.length < 2) return Array.from(numbers);
  const size = numbers.length / shape[0];
  return Array.from({ length: shape[0] }, (_, index) =>
    nested(numbers.slice(index * size, (index + 1) * size), shape.slice(1)));
}

/** Give a file that carries states each window sample by sample; return its outputs after the last. */
async function walk(windows, [count, steps, channels], shapes, call) {
  const outputs = [];
  for (let index = 0; index < count; index += 1) {
    let held = shapes.map((shape) => new Float32Array(shape.reduce((product, size) => product * size, 1)));
    let output;
    for (let step = 0; step < steps; step += 1) {
      const at = (index * steps + step) * channels;
      [output, ...held] = await call(windows.slice(at, at + channels), held);
    }
    outputs.push(Array.from(output));
  }
  return outputs;
}

/** Run every window in one call. */
async function onnxruntime() {
  const ort = require('onnxruntime-node');
  return async (content, windows, shape) => {
    const session = await ort.InferenceSession.create(content, { logSeverityLevel: 4 });
    const [first, ...states] = session.inputMetadata;
    if (states.length > 0) {
      const names = states.map((state) => state.name);
      return walk(windows, shape, states.map((state) => [1, state.shape.at(-1)]), async (sample, held) => {
        const feeds = { [first.name]: new ort.Tensor('float32', sample, [1, 1, shape[2]]) };
        names.forEach((name, index) => { feeds[name] = new ort.Tensor('float32', held[index], [1, held[index].length]); });
        const results = await session.run(feeds);
        return session.outputNames.map((name) => results[name].data);
      });
    }
    const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', windows, shape) };
    const result = (await session.run(feeds))[session.outputNames[0]];
    return nested(result.data, result.dims);
  };
}

/** Run window after window, as LiteRT's models are made for one. */
async function litert() {
  const wasm = path.join(modules, '@litertjs/core/wasm');
  giveWhatABrowserHas(wasm);
  const library = await import(pathToFileURL(require.resolve('@litertjs/core')).href);
  await library.loadLiteRt(`${wasm}/`);
  return async (content, windows, shape) => {
    const model = await library.loadAndCompile(content, { accelerator: 'wasm' });
    const [, ...states] = model.getInputDetails();
    if (states.length > 0) {
      return walk(windows, shape, states.map((state) => Array.from(state.shape)), async (sample, held) => {
        const tensors = held.map((value, index) => new library.Tensor(value, Array.from(states[index].shape)));
        const results = await model.run([new library.Tensor(sample, [1, 1, shape[2]]), ...tensors]);
        return Promise.all(Object.values(results).map(async (result) => Float32Array.from(await result.data())));
      });
    }
    const size = windows.length / shape[0];
    const outputs = [];
    for (let index = 0; index < shape[0]; index += 1) {
      const window = windows.slice(index * size, (index + 1) * size);
      const results = await model.run([new library.Tensor(window, [1, ...shape.slice(1)])]);
      const result = results[0] ?? Object.values(results)[0];
      const [, ...own] = Array.from(result.type.layout.dimensions);
      outputs.push(nested(await result.data(), own));
    }
    return outputs;
  };
}

/** Let the library load its WebAssembly from files, as it does from a server in a browser. */
function giveWhatABrowserHas(wasm) {
  const read = (url) => fs.readFileSync(String(url).replace('file://', ''));
  globalThis.self = globalThis;
  globalThis.require = createRequire(path.join(wasm, 'any.js'));
  globalThis.__filename = path.join(wasm, 'any.js');
  globalThis.__dirname = wasm;
  globalThis.importScripts = (url) => (0, eval)(read(url).toString());
  const fromServer = globalThis.fetch;
  globalThis.fetch = async (url, ...rest) => {
    if (!/^(file:|\/)/.test(String(url))) return fromServer(url, ...rest);
    const type = String(url).endsWith('wasm') ? 'application/wasm' : 'text/javascript';
    return new Response(read(url), { headers: { 'content-type': type } });
  };
}

const RUNTIMES = { 'onnxruntime-node': onnxruntime, '@litertjs/core': litert };

const request = JSON.parse(fs.readFileSync(0).toString().split('\n')[0]);
const description = path.join(modules, request.runtime, 'package.json');
if (!fs.existsSync(description)) {
  answer({ installed: null });
} else {
  const { version } = JSON.parse(fs.readFileSync(description));
  const log = console.log;
  console.log = console.info = console.warn = console.error = () => {};
  const run = await RUNTIMES[request.runtime]();
  answer({ installed: version });
  const shape = [];
  for (let value = request.windows; Array.isArray(value); value = value[0]) shape.push(value.length);
  const windows = Float32Array.from(request.windows.flat(Infinity));
  for (const file of request.files) {
    try {
      const outputs = await run(new Uint8Array(Buffer.from(file, 'hex')), windows, shape);
      answer({ error: null, outputs });
    } catch (error) {
      answer({ error: String(error?.message ?? error).replace(/\s+/g, ' ').slice(0, 160), outputs: null });
    }
  }
  console.log = log;
}
process.exit(0);
