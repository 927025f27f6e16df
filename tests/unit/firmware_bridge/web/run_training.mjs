// Run the modules that train in Node: a JSON request on stdin, a JSON reply on stdout.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const request = JSON.parse(readFileSync(0, "utf8"));
const from = (name) => import(pathToFileURL(`${request.static}/${name}.js`));
const compile = (name) => new WebAssembly.Module(readFileSync(`${request.static}/${name}`));
const { folded, readWeights, writeWeights } = await from("blob");
const { checkManifest } = await from("manifest");
const { fineTune, RECIPE, shuffledBatches } = await from("fine-tuning");
const { foldsOf, LabelledWindows } = await from("labelled-windows");
const { StackGradients, supervision } = await from("gradients");
const { fitOutputLayer } = await from("output-layer");
const { personalize } = await from("personalizing");
const trainer = compile("har_train.wasm");
const KINDS = { simple_rnn: 0, lstm: 1, gru: 2 };

const stack = (kind, units, { window, classes }) => {
  const layers = units.map((each) => ({ kind: KINDS[kind], units: each }));
  return { steps: window, channels: 3, classes, layers };
};
const floats = (values) => Float32Array.from(values);

const tasks = {
  supervision: ({ window, every }) => supervision(window, every),
  gradient({ golden, each }) {
    const answers = { steps: golden.supervised_steps, shares: golden.step_weights };
    const gradients = new StackGradients(trainer, stack(each.kind, each.units, golden), answers);
    const parameters = floats(each.parameters);
    const found = gradients.gradient(parameters, floats(each.windows), floats(each.targets));
    const logits = Array.from(gradients.logits(parameters, floats(each.windows)));
    return { ...found, gradient: Array.from(found.gradient), logits };
  },
  fineTune({ golden }) {
    const { units, start, batches } = golden.fine_tuning;
    const answers = { steps: golden.supervised_steps, shares: golden.step_weights };
    const gradients = new StackGradients(trainer, stack("lstm", units, golden), answers);
    const given = batches.map(({ windows, targets }) => ({ values: floats(windows), targets: floats(targets) }));
    return Array.from(fineTune(gradients, floats(start), given, { ...RECIPE, steps: given.length }));
  },
  fitOutput({ golden }) {
    const { general, states, targets, units, strength } = golden.output_layer;
    return Array.from(fitOutputLayer(general, { states, targets, units, classes: golden.classes, strength }));
  },
  weights({ path, manifest }) {
    const blob = new Uint8Array(readFileSync(path));
    const model = readWeights(blob);
    const { normalization } = checkManifest(manifest);
    const parameters = folded(model.parameters, model, normalization, false);
    const again = writeWeights(blob, model.places, folded(parameters, model, normalization, true));
    const same = writeWeights(blob, model.places, model.parameters);
    const most = Math.max(...readWeights(again).parameters.map((value, at) => Math.abs(value - model.parameters[at])));
    return { parameters: Array.from(parameters), most, same: Buffer.from(same).equals(Buffer.from(blob)) };
  },
  folds({ segments, windowLength, hop }) {
    const made = segments.map(({ count, label }) => ({ samples: new Float32Array(3 * count), label }));
    const windows = new LabelledWindows(made, { windowLength, channels: 3, hop });
    return { folds: foldsOf(windows), places: windows.places };
  },
  batches({ count, seed }) {
    const samples = Float32Array.from({ length: 600 }, (_, at) => [0.6, 0, 0.8][at % 3]);
    const windows = new LabelledWindows([{ samples, label: 1 }], { windowLength: 50, channels: 3, hop: 4 });
    const drawn = shuffledBatches(windows, windows.places, { seed, ...RECIPE });
    return Array.from({ length: count }, () => {
      const { values, labels } = drawn.next().value;
      return { values: Array.from(values), labels };
    });
  },
  personalize({ path, manifest, takes, steps, recipe = {} }) {
    const blob = new Uint8Array(readFileSync(path));
    const shares = [];
    const found = personalize({ blob, description: checkManifest(manifest) }, takes, {
      engine: compile("har.wasm"),
      trainer,
      recipe: { ...RECIPE, steps, ...recipe },
      progress: (share) => shares.push(share),
    });
    return { ...found, blob: Buffer.from(found.blob).toString("hex"), shares };
  },
};

function run(task) {
  try {
    return { ok: tasks[task.kind](task) };
  } catch (error) {
    return { error: error.message, name: error.name };
  }
}
process.stdout.write(JSON.stringify(request.tasks.map(run)));
