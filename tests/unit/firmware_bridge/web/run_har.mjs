// Run har.js in Node: a JSON request on stdin, a JSON reply on stdout.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const request = JSON.parse(readFileSync(0, "utf8"));
const har = await import(pathToFileURL(`${request.static}/har.js`));
const module = new WebAssembly.Module(readFileSync(`${request.static}/har.wasm`));

// Files under a folder, as a server would give them.
const fetchFile = async (url) => {
  try {
    return new Response(readFileSync(new URL(url)));
  } catch {
    return new Response("", { status: 404 });
  }
};
const loadBundle = ({ url, quantization }) => har.load(url, { quantization, module, fetch: fetchFile });

// What the decoder says of a case of tests/golden/decoder.json, sample by sample.
function decodeGolden(golden, { hop, lag_s: lagS, window_ends: ends, posteriors }, spec) {
  const { labels, own_hop: specHop, window_length: windowLength, rate_hz: rateHz } = golden;
  const decoder = new har.Decoder(spec, labels, { hop, specHop, windowLength, rateHz, lagS });
  const [found, directions] = [[], []];
  golden.samples_mg.forEach((sample, index) => {
    if (index === golden.break_before) found.push(...decoder.finish());
    const direction = decoder.watch(sample.map((value) => value / 1000));
    if (index !== ends[directions.length]) return;
    directions.push(direction);
    found.push(...decoder.feed(posteriors[directions.length - 1], direction));
  });
  return { directions, found: [...found, ...decoder.finish()] };
}

const tasks = {
  async predict(task) {
    const model = await loadBundle(task);
    return { verified: model.verified, probabilities: Array.from(model.predict(Float32Array.from(task.windows))) };
  },
  async resample({ fromHz, toHz, samples, timesS }) {
    const resampler = new har.Resampler({ fromHz, toHz });
    const made = [];
    const begins = [];
    timesS.forEach((timeS, index) => {
      const part = resampler.feed(samples[index], timeS);
      made.push(...part.made);
      if (part.began) begins.push(made.length);
    });
    return { samples: made.map((each) => each.sample), timesS: made.map((each) => each.timeS), begins };
  },
  async slide({ length, hop, count }) {
    const windows = new har.SlidingWindows({ length, hop });
    const found = [];
    for (let index = 0; index < count; index++) {
      const window = windows.feed({ sample: [index, 0, 0], timeS: index, filled: index % 3 === 0 });
      if (window) found.push([window.samples[0], window.endS, window.bridged]);
    }
    return found;
  },
  async decode({ manifest, hop, posteriors }) {
    const { decoder, labels, ...window } = har.checkManifest(manifest);
    const made = new har.Decoder(decoder, labels, { hop, specHop: window.hop, windowLength: window.windowLength });
    return posteriors.flatMap((posterior) => made.feed(posterior));
  },
  async golden({ golden, manifests }) {
    return golden.cases.map((each, index) => decodeGolden(golden, each, har.checkManifest(manifests[index]).decoder));
  },
  async stream(task) {
    const model = await loadBundle(task);
    const stream = model.stream(task.options);
    const found = stream.feed(task.samples.flat(), task.timesS);
    return {
      found: found.map(({ label, probability, probabilities, endS, bridged }) => {
        return { label, probability, probabilities: Array.from(probabilities), endS, bridged };
      }),
      lost: stream.lost,
      breaks: stream.breaks,
      rateHz: stream.rateHz,
      outOfOrder: stream.outOfOrder,
    };
  },
};

async function run(task) {
  try {
    return { ok: await tasks[task.kind](task) };
  } catch (error) {
    return { error: error.message, name: error.name };
  }
}

const replies = [];
for (const task of request.tasks) replies.push(await run(task));
process.stdout.write(JSON.stringify(replies));
