/**
 * The page: wires the sensor to the model and the model to the screen.
 *
 * @module phone
 */

import { fromG, toG } from "./gravity.js";
import { compileEngine, load } from "./har.js";
import { importPacked } from "./packed.js";
import { Personal } from "./personal.js";
import { Readings } from "./readings.js";
import { isAllowed, isApple, MotionSensor } from "./sensor.js";
import { Session } from "./session.js";
import { drawTrace, TURNING_RATE } from "./trace.js";
import * as view from "./view.js";

const BUNDLE = "bundle/";
const KEPT_SAMPLES = 800;
const RECENT_SAMPLES = 120;
const ASSUMED_RATE_HZ = 60;
const RATES_HZ = [2, 2000];
const SAMPLES_BEFORE_A_RATE = 30;
/** A hole of so many seconds is bridged by a straight line; a longer one begins a new window. */
const BRIDGE_S = 0.1;
const LONGEST_HOP_S = 0.5;
const MILLISECONDS_PER_PICTURE = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 50;

const ACCELERATION = 3;
const NO_TURNING_RATE =
  "The sensor sends acceleration alone: the model of this page takes the turning rate of a gyroscope as well, in binary " +
  "frames. Use another sensor, or a page of another model.";

const trace = new Readings(KEPT_SAMPLES);
const recent = new Readings(RECENT_SAMPLES);
const session = new Session();
const personal = new Personal({ recorded: () => session.recorded, use: (model) => classifyWith(model) });
let module = null;
let model = null;
let stream = null;
/** Samples that wait until they have shown their rate. */
let waiting = [];
let inverted = isApple();
let startedByTap = false;
let found = null;

const sensor = new MotionSensor({
  onSample: (sample, timeMs) => take(sample, timeMs),
  onProblem: (sentence) => view.notice("sensor", sentence, { warn: true }),
});

const external = {
  onSample: (sampleG, timeS, restart) => {
    if (restart) begin();
    const channels = model?.channels ?? ACCELERATION;
    view.notice("gyroscope", sampleG.length < channels ? NO_TURNING_RATE : "", { warn: true });
    if (sampleG.length >= channels) takeOne(fromG(sampleG.slice(0, channels)), 1000 * timeS);
  },
  onProblem: (sentence) => view.notice("sensor", sentence, { warn: true }),
  onEnd: (why) => {
    stop();
    view.notice("cable", why, { warn: true });
  },
};
/** Sensors outside this device, by the id of their button, and the one in use. */
const sensors = {};
let chosen = null;

/** Load another bundle, and classify with it from now on. */
export async function use(url) {
  module ??= await compileEngine();
  classifyWith(await personal.offer(await load(url, { module })));
  session.offer(model.labels);
  return { modelId: model.modelId, labels: [...model.labels], windowLength: model.windowLength };
}

/** Classify with a model from now on. */
function classifyWith(chosen) {
  model = chosen;
  sensor.turns = model.channels > ACCELERATION;
  trace.clear();
  begin();
  view.showModel(model);
  // Only a hidden Markov model learns anything of a window from those after it.
  const { transitions, stayProbability } = model.decoder;
  view.element("lag-field").hidden = !transitions.length && !stayProbability;
}

/** Classify windows with the bundle in use. */
export function predict(windows) {
  if (!model) throw new Error("expected a model, none is loaded yet: await har.load(url)");
  return model.predict(windows);
}

/** Forget the samples so far: what comes does not continue them. */
function begin() {
  stream = null;
  waiting = [];
  found = null;
  recent.clear();
  view.showFound(null, model);
}

/** Take one reading of the phone, in m/s²; where the sign is the other one, it is of acceleration alone. */
function take(reading, timeMs) {
  takeOne(inverted ? reading.map((value, channel) => (channel < ACCELERATION ? -value : value)) : reading, timeMs);
}

/** Take one sample in m/s², and degrees/s where the model takes the turning rate too, on the clock of its source. */
function takeOne(sample, timeMs) {
  trace.add(sample, timeMs);
  recent.add(sample, timeMs);
  session.take(sample, timeMs);
  if (model) classify(toG(sample), timeMs / 1000);
}

function classify(sampleG, timeS) {
  if (!stream) {
    waiting.push({ sampleG, timeS });
    if (waiting.length < SAMPLES_BEFORE_A_RATE) return;
    stream = openStream();
    for (const each of waiting.splice(0)) feed(each.sampleG, each.timeS);
    checkSign();
    return;
  }
  feed(sampleG, timeS);
}

function openStream() {
  const hop = Math.max(1, Math.min(model.hop, Math.round(LONGEST_HOP_S * model.rateHz)));
  // Samples that arrive all at once tell no rate; the stream learns it from those that follow.
  const { rateHz: seenHz } = recent;
  const rateHz = seenHz >= RATES_HZ[0] && seenHz <= RATES_HZ[1] ? seenHz : ASSUMED_RATE_HZ;
  return model.stream({ rateHz, hop, bridgeS: BRIDGE_S, lagS: Number(view.element("lag").value) });
}

function feed(sampleG, timeS) {
  for (const each of stream.feed(sampleG, [timeS])) {
    found = each;
    view.showFound(found, model);
    document.dispatchEvent(new CustomEvent("har-label", { detail: found }));
  }
}

/** Somebody who has just tapped the screen looks at it: then gravity points away from them. */
function checkSign() {
  const wrong = startedByTap && recent.facesAway;
  view.notice(
    "sign",
    wrong
      ? "Gravity points the wrong way for somebody who looks at this screen. If the phone was not upside down, change " +
          "“opposite sign” under Acceleration."
      : "",
    { warn: true },
  );
}

/** Listen to a sensor outside instead of the phone's own. */
async function startExternal(id) {
  sensor.stop();
  await chosen?.stop();
  view.notice("cable", "");
  startedByTap = false;
  chosen = sensors[id];
  const started = await chosen.start(Number(view.element("baud").value));
  view.showRunning(started);
  if (started) begin();
  else chosen = null;
}

/** Which sensors outside this device the browser can reach. */
const reachable = ["serial", "bluetooth"].filter((id) => window.isSecureContext && id in navigator);

/** Make ready what can be reached: a button must act at once, or the browser asks nobody. */
async function offerExternal() {
  if (!reachable.length) return;
  const { SerialSensor, BluetoothSensor } = await importPacked("sensors.json");
  sensors.serial = new SerialSensor(external);
  sensors.bluetooth = new BluetoothSensor(external);
  for (const id of reachable) view.element(id).disabled = false;
}

/** Take the answer which numbers of a line are x, y and z. */
function answerColumns(event) {
  event.preventDefault();
  const numbers = view.element("columns").value.split(/[^0-9]+/).filter(Boolean).map(Number);
  const most = chosen?.bytes?.asks ?? 0;
  const isSound = numbers.length === 3 && new Set(numbers).size === 3 && numbers.every((each) => each >= 1 && each <= most);
  view.notice("columns", isSound ? "" : `Expected three different numbers from 1 to ${most}, such as 2 3 4.`, { warn: true });
  if (isSound) chosen.bytes.choose(numbers.map((each) => each - 1));
}

async function start({ ask }) {
  await chosen?.stop();
  chosen = null;
  startedByTap = ask;
  const started = await sensor.start({ ask });
  view.showRunning(started);
  if (started) begin();
}

function stop() {
  sensor.stop();
  chosen?.stop();
  chosen = null;
  session.interrupt("Listening was stopped.");
  begin();
  view.showRunning(false);
}

/** Browsers stop the sensor of a page that is not seen. */
let hiddenSinceMs = null;
function visibilityChanged() {
  if (document.hidden) {
    hiddenSinceMs = performance.now();
    session.interrupt("The page was hidden.");
  } else if (hiddenSinceMs !== null) {
    const seconds = Math.round((performance.now() - hiddenSinceMs) / 1000);
    hiddenSinceMs = null;
    if (!view.isRunning()) return;
    begin();
    view.notice("hidden", `This page was hidden for ${seconds} s: browsers stop the sensor then, so it began anew.`);
  }
}

function refresh() {
  drawTrace(view.element("trace"), trace.samples);
  if (sensor.turns) drawTrace(view.element("turning-trace"), trace.samples, TURNING_RATE);
  view.showReadings(recent, { stream, model, waiting: waiting.length / SAMPLES_BEFORE_A_RATE, found });
  const { speaks = "", asks = 0 } = chosen?.bytes ?? {};
  if (speaks) view.showFact("The sensor speaks", speaks);
  view.element("columns-form").hidden = !asks;
}

/** Another page of the same kind in this browser reads the same sensor, and may record the same movements. */
function greetOtherPages() {
  if (!("BroadcastChannel" in window)) return;
  const channel = new BroadcastChannel(`edgehar ${location.pathname}`);
  const say = () => view.notice("twice", "This page is open in another tab, too. Close one: both read the same sensor.");
  channel.addEventListener("message", ({ data }) => {
    if (data === "opened") channel.postMessage("here");
    if (data === "closed") view.notice("twice", "");
    else say();
  });
  channel.postMessage("opened");
  window.addEventListener("pagehide", () => channel.postMessage("closed"));
}

async function keepForOffline() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("service-worker.js");
    await navigator.serviceWorker.ready;
    view.showFact("Offline", "works: everything is kept on this device");
  } catch {
    view.showFact("Offline", "does not work: this server's certificate is not trusted");
  }
}

function wire() {
  const on = (id, type, handler) => view.element(id).addEventListener(type, handler);
  view.element("inverted").checked = inverted;
  on("start", "click", () => start({ ask: true }));
  on("stop", "click", stop);
  view.element("cable").hidden = !reachable.length;
  view.element("baud-field").hidden = !reachable.includes("serial");
  for (const id of ["serial", "bluetooth"]) {
    view.element(id).hidden = !reachable.includes(id);
    on(id, "click", () => startExternal(id));
  }
  on("columns-form", "submit", answerColumns);
  on("lag", "change", begin);
  on("inverted", "change", ({ target }) => {
    inverted = target.checked;
    trace.clear();
    view.notice("sign", "");
    begin();
  });
  document.addEventListener("visibilitychange", visibilityChanged);
  window.setInterval(refresh, MILLISECONDS_PER_PICTURE);
}

/** Open the page with its bundle. */
export async function open() {
  wire();
  greetOtherPages();
  await personal.open();
  await session.open({ isRunning: view.isRunning, start: () => start({ ask: true }) });
  try {
    await use(BUNDLE);
  } catch (error) {
    view.notice("model", error.message, { warn: true });
    view.showUnusable();
    return;
  }
  view.element("start").disabled = false;
  await offerExternal();
  if (!window.isSecureContext) await start({ ask: false });
  else if (await isAllowed()) await start({ ask: false });
  await keepForOffline();
}
