/**
 * The page of a phone that is a sensor: reads the accelerometer, and the gyroscope if asked to, and sends what they give
 * to the laptop that showed the code.
 *
 * @module sensor-page
 */

import { token } from "./laptop.js";
import { Readings } from "./readings.js";
import { MotionSensor, isApple } from "./sensor.js";
import { StreamSender } from "./stream-sender.js";
import { element, notice, showFact, write } from "./view.js";

const RECENT_SAMPLES = 120;
const MILLISECONDS_PER_PICTURE = 250;

const recent = new Readings(RECENT_SAMPLES);
const sender = new StreamSender(
  `wss://${location.host}/stream?token=${encodeURIComponent(token())}&phone=${ownName()}`,
  () => show(),
);
let isRunning = false;
let inverted = isApple();
let screenLock = null;
let hiddenSinceMs = null;
let holes = 0;

const sensor = new MotionSensor({
  onSample(reading, timeMs) {
    const sample = inverted ? reading.map((value, channel) => (channel < 3 ? -value : value)) : reading;
    recent.add(sample, timeMs);
    sender.take(sample, performance.timeOrigin + timeMs);
  },
  onProblem: (sentence) => notice("sensor", sentence, { warn: true }),
});

/** What tells this phone from another one, so that it gets its place back after a break. */
function ownName() {
  const made = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const kept = sessionStorage.getItem("edgehar phone") ?? made;
    sessionStorage.setItem("edgehar phone", kept);
    return kept;
  } catch {
    return made;
  }
}

async function start() {
  if (!token()) {
    notice("token", "This page was opened without the laptop's code: scan it again.", { warn: true });
    return;
  }
  sensor.turns = element("turns").checked;
  if (!(await sensor.start({ ask: true }))) return;
  isRunning = true;
  screenLock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  sender.start();
  show();
}

function stop() {
  isRunning = false;
  sensor.stop();
  sender.stop();
  screenLock?.release();
  show();
}

function show() {
  element("start").hidden = isRunning;
  element("stop").hidden = !isRunning;
  // Lines that change their width in the middle of a stream would be taken for damaged ones.
  element("turns").disabled = isRunning;
  element("label").classList.toggle("idle", !sender.connected);
  write("label", !isRunning ? "Not started" : sender.connected ? "Sending" : "Connecting…");
  notice("line", isRunning ? sender.problem : "", { warn: true });
}

function refresh() {
  const { rateHz } = recent;
  write("source", isRunning && sender.connected && rateHz ? `Sending ${rateHz.toFixed(1)} Hz` : "Not sending");
  if (!isRunning) return;
  notice("gravity", recent.doubt, { warn: true });
  showFact("True rate", rateHz ? `${rateHz.toFixed(1)} Hz` : "not known yet");
  showFact("Sent", `${sender.sent} samples`);
  showFact("Waiting", `${sender.waiting}`);
  showFact("Lost", `${sender.lost}${holes ? `, and ${holes === 1 ? "once" : `${holes} times`} while the page was hidden` : ""}`);
}

function visibilityChanged() {
  if (document.hidden) {
    hiddenSinceMs = performance.now();
    return;
  }
  if (hiddenSinceMs === null || !isRunning) return;
  const seconds = Math.round((performance.now() - hiddenSinceMs) / 1000);
  hiddenSinceMs = null;
  holes++;
  notice("hidden", `This page was hidden for ${seconds} s: browsers stop the sensor then, so nothing was sent.`);
}

element("inverted").checked = inverted;
element("inverted").addEventListener("change", ({ target }) => {
  inverted = target.checked;
  recent.clear();
});
element("start").addEventListener("click", start);
element("stop").addEventListener("click", stop);
document.addEventListener("visibilitychange", visibilityChanged);
setInterval(refresh, MILLISECONDS_PER_PICTURE);
