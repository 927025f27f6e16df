/**
 * Lines in which names stand before numbers: "AcX = 1 | AcY = 2 | AcZ = 3", "ax:0.1 ay:0.2 az:0.9", {"x": 1, ...}.
 *
 * The rules are those of edgehar.models.sensing.names and edgehar.firmware_bridge.text.template, in a compact form: a sensor
 * that is named wins over bare axes, an axis without a sensor belongs to the one named before it, and what is not surely
 * acceleration with gravity is none.
 *
 * @module labelled-lines
 */

const NUMBER = /(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?![\w.])/gi;
const UNIT = /^\s*[([]?\s*(m\/s\^?2|m\/s²|m\/s\/s|m-?g|g)(?![\w/])/i;
const NAME = /^(.*?)[ _.-]*([xyz])$/i;
const ACCELERATION = /^(?:a|ac|acc|accl|acl|accel|accelero|accelerometer|acceleration)$/i;
const FILLER = /^(?:is|and|the|of|axis|value|values|val|data|reading|sensor)$/i;
const PER_G = [
  [/^m\/s/i, 9.80665],
  [/^m-?g$/i, 1000],
  [/^g$/i, 1],
];
const TIME = /^(?:t|time|timestamp|millis|micros)?[ _.-]*\(?(us|ms)\)?$/i;
const TIME_UNITS = { us: 1e-6, ms: 1e-3 };

/**
 * Read a line.
 *
 * @param {string} line
 * @returns {{values: number[], time: number | null, perG: number | null} | null} x, y and z as they stand there; when, in
 *   seconds; how much of the unit makes 1 g, where one is named. Null where the line names no acceleration.
 */
export function readLabelled(line) {
  const fields = fieldsOf(line);
  const axes = pick(fields, "acceleration") ?? pick(fields, "");
  if (!axes) return null;
  const units = [...new Set(axes.map(({ unit }) => unit).filter(Boolean))];
  const perG = units.length === 1 ? PER_G.find(([pattern]) => pattern.test(units[0]))[1] : null;
  const clock = fields.find(({ name }) => TIME.test(name));
  const time = clock ? clock.value * TIME_UNITS[TIME.exec(clock.name)[1].toLowerCase()] : null;
  return units.length > 1 ? null : { values: axes.map(({ value }) => value), time, perG };
}

/** Return every number with the name before it, its sensor, its axis, and the unit behind it. */
function fieldsOf(line) {
  const fields = [];
  let from = 0;
  let sensor = "";
  for (const match of line.matchAll(NUMBER)) {
    // Only behind a number is "g" a unit: before the first one it may be a gyroscope's.
    const before = fields.length ? line.slice(from, match.index).replace(UNIT, "") : line.slice(0, match.index);
    const unit = UNIT.exec(line.slice(match.index + match[0].length))?.[1] ?? "";
    from = match.index + match[0].length;
    const name = wordsOf(before);
    const found = NAME.exec(name);
    const own = found ? sensorOf(found[1]) : "other";
    // "Acceleration X: 1 Y: 2": an axis alone belongs to the sensor before it.
    sensor = own === "" ? sensor : own;
    fields.push({ name, value: Number(match[0]), unit, sensor: found ? own || sensor : "other", axis: found?.[2].toLowerCase() });
  }
  return fields;
}

/** Return the words of a name, without what stands around them. */
function wordsOf(text) {
  return text
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z]+/)
    .filter((word) => word && !FILLER.test(word))
    .join(" ");
}

function sensorOf(prefix) {
  const words = prefix.split(" ").filter(Boolean);
  if (!words.length) return "";
  return words.every((word) => ACCELERATION.test(word)) ? "acceleration" : "other";
}

/** Return the x, y and z of a sensor, where there is just one of each. */
function pick(fields, sensor) {
  const axes = ["x", "y", "z"].map((axis) => fields.filter((field) => field.sensor === sensor && field.axis === axis));
  return axes.every((found) => found.length === 1) ? axes.map(([field]) => field) : null;
}
