/**
 * The page: wires the sensor to the model and the model to the screen. `window.har` offers `load(url)` and
 * `predict(Float32Array)` to whoever looks at it from the console.
 *
 * @module phone
 */

import { compileEngine, load, STANDARD_GRAVITY } from "./har.js";
import { Personal } from "./personal.js";
import { Readings } from "./readings.js";
import { Accelerometer, isAllowed, isApple } from "./sensor.js";
import { hasSerial, SerialSensor } from "./serial.js";
import { Session } from "./session.js";
import { drawTrace } from "./trace.js";
import * as view from "./view.js";

const BUNDLE = "bundle/";
const KEPT_SAMPLES = 800;
const RECENT_SAMPLES = 120;
const ASSUMED_RATE_HZ = 60;
const SAMPLES_BEFORE_A_RATE = 30;
/** A hole of so many seconds is bridged by a straight line; a longer one begins a new window. */
const BRIDGE_S = 0.1;
const LONGEST_HOP_S = 0.5;
const MILLISECONDS_PER_PICTURE = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 50;

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

const sensor = new Accelerometer({
  onSample: (sample, timeMs) => take(sample, timeMs),
  onProblem: (sentence) => view.notice("sensor", sentence, { warn: true }),
});

const cable = new SerialSensor({
  onSample: (sampleG, timeS, restart) => {
    if (restart) begin();
    takeOne(sampleG.map((value) => value * STANDARD_GRAVITY), 1000 * timeS);
  },
  onProblem: (sentence) => view.notice("sensor", sentence, { warn: true }),
  onEnd: (why) => {
    stop();
    view.notice("cable", why, { warn: true });
  },
});

/** Load another bundle, and classify with it from now on. */
async function use(url) {
  module ??= await compileEngine();
  classifyWith(await personal.offer(await load(url, { module })));
  session.offer(model.labels);
  return { modelId: model.modelId, labels: [...model.labels], windowLength: model.windowLength };
}

/** Classify with a model from now on. */
function classifyWith(chosen) {
  model = chosen;
  begin();
  view.showModel(model);
  // Only a hidden Markov model learns anything of a window from those after it.
  const { transitions, stayProbability } = model.decoder;
  view.element("lag-field").hidden = !transitions.length && !stayProbability;
}

/** Classify windows with the bundle in use. */
function predict(windows) {
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

/** Take one reading of the phone, in m/s². */
function take(reading, timeMs) {
  takeOne(inverted ? reading.map((value) => -value) : reading, timeMs);
}

/** Take one sample in m/s², on the clock of its source. */
function takeOne(sample, timeMs) {
  trace.add(sample, timeMs);
  recent.add(sample, timeMs);
  session.take(sample, timeMs);
  if (model) classify(sample.map((value) => value / STANDARD_GRAVITY), timeMs / 1000);
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
  return model.stream({ rateHz: recent.rateHz ?? ASSUMED_RATE_HZ, hop, bridgeS: BRIDGE_S, lagS: Number(view.element("lag").value) });
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

/** Listen to a sensor on a cable instead of the phone's own. */
async function startCable() {
  sensor.stop();
  await cable.stop();
  view.notice("cable", "");
  startedByTap = false;
  const started = await cable.start(Number(view.element("baud").value));
  view.showRunning(started);
  if (started) begin();
}

async function start({ ask }) {
  startedByTap = ask;
  const started = await sensor.start({ ask });
  view.showRunning(started);
  if (started) begin();
}

function stop() {
  sensor.stop();
  cable.stop();
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
  view.showReadings(recent, { stream, model, waiting: waiting.length / SAMPLES_BEFORE_A_RATE, found });
  if (cable.speaks) view.showFact("On the cable", cable.speaks);
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
  on("serial", "click", startCable);
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

async function open() {
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
  view.element("start").disabled = view.element("serial").disabled = false;
  view.element("cable").hidden = !hasSerial();
  if (!window.isSecureContext) await start({ ask: false });
  else if (await isAllowed()) await start({ ask: false });
  await keepForOffline();
}

window.har = { load: use, predict };
window.har.ready = open();
