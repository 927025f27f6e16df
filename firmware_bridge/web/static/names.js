/**
 * What the name of a column says: its sensor, its axis, its unit, and whether it is a time. The rules and words of
 * edgehar.models.sensing.names, unit_names and roles; a test holds both to the same answers.
 *
 * @module names
 */

const SENSORS = {
  acceleration: "a ac acc accl acl accel acceler accelero accelerometer accelerometers acceleration gforce xl 加速度 加速 가속도",
  "linear acceleration":
    "linear lin free freeacc linacc linaccel linearacceleration user useracc useracceleration la lacc laccel " +
    "areal aworld aareal aaworld",
  gravity: "gravity grav",
  gyroscope: "gy gyr gyro gyros gyroscope rot rotation rotationrate omega angular dps angularvelocity angvel 角速度 陀螺仪 ジャイロ 각속도 자이로",
  magnetometer: "mag magn magnet magnetic magnetometer compass 磁场 磁力 地磁気 자기",
  quaternion: "q quat quaternion",
  other:
    "roll pitch yaw ypr rpy euler heading attitude ang angle angles orientation orient tilt temp tmp temperature pressure humidity " +
    "alt altitude magnitude norm svm total abs sum mean rms battery batt bat voltage volt light lux steps step " +
    "latitude longitude lat lon speed velocity vel position pos distance dist rssi heart hr ecg emg eda ppg jerk 角度 姿态角 欧拉角 温度",
};
const SENSOR_OF = new Map(Object.entries(SENSORS).flatMap(([sensor, words]) => words.split(" ").map((word) => [word, sensor])));
const W = String.raw`[\p{L}\p{N}_]*`;
const BEGINNINGS = [
  [`acce${W}(?:without|excl|nograv)${W}`, "linear acceleration"],
  [`(?:acce|accle|acel|beschleun|versnell|akcel|przysp|zrychl|kiihty|ivme|ускор)${W}`, "acceleration"],
  [`(?:gyro|giro|rotat|angularv)${W}`, "gyroscope"],
  [`(?:magneto|magneti)${W}`, "magnetometer"],
  [`quat${W}`, "quaternion"],
  [`(?:orient|temper|thermom)${W}`, "other"],
].map(([source, sensor]) => [new RegExp(`^${source}$`, "u"), sensor]);
const ORIENTATION = new Set("roll pitch yaw euler heading attitude ang angle angles orientation orient tilt".split(" "));
const STRENGTH = ["linear acceleration", "gravity", "quaternion", "gyroscope", "magnetometer", "other", "acceleration"];
const OF_UNIT = { "deg/s": "gyroscope", "rad/s": "gyroscope", uT: "magnetometer", degrees: "other", rad: "other" };
const BESIDE_AN_AXIS = { g: "gyroscope", w: "gyroscope", m: "magnetometer", gf: "acceleration" };
const SPELLED_OUT = { g: "gyro", w: "gyro", m: "mag", gf: "acc" };
const AXES = ["x", "y", "z"];
const WXYZ = ["w", ...AXES];
const FILLERS = new Set("is and the of axis 轴 軸 축 value values val data reading sensor sample".split(" "));
const WITHOUT = new Set("without no excl excluding exclude less minus removed free".split(" "));
const WITH = new Set("with incl including include plus".split(" "));
const FILLED = /^(?:([xyz])(?:axis|values?|val|data|out)|(?:axis|values?|val|data|out)([xyz]))$/;
const SPLIT_SENSOR = (() => {
  const known = [...SENSOR_OF.keys(), ...Object.keys(BESIDE_AN_AXIS)].toSorted((a, b) => b.length - a.length);
  return new RegExp(`^(${known.join("|")})(\\d*)([wxyz])(\\d*)$`);
})();

const PER_SECOND_TWICE = String.raw`\/s(?:ec)?(?:\^|\*\*)?(?:2|Â?²)`;
const lengths = (unit) => `(?:${unit})(?:${PER_SECOND_TWICE}|\\/s\\/s)`;
const OTHERS = {
  "raw:9806.65": lengths("mm"),
  "raw:980.665": `${lengths("cm")}|gals?`,
  "raw:98.0665": lengths("dm"),
  "raw:32.17404856": lengths("ft|feet"),
  "raw:386.0885827": lengths("in(?:ch)?"),
};
const SHORT = {
  "m/s2":
    String.raw`m\/\(?s(?:ec)?(?:\^|\*\*)?(?:2|Â?²)\)?|m\/s\/s|ms\/2|m\.s\^?-2|m[*·]s\^?-2|m[ ·]?s⁻²|m s\^?-2|mps[2²]|ms2|mss|ms\^?-2` +
    String.raw`|met(?:er|re)s?\/s(?:ec(?:ond)?)?\^?(?:2|Â?²)|n\/kg`,
  ...OTHERS,
  "raw:1000000": "ug|micro-?g",
  "raw:1000": "mg|milli-?g(?:s|ravity)?",
  g: "g's|gs|g",
  "deg/s": String.raw`m?deg\/s(?:ec)?|degrees\/s|Â?°\/s|m?dps`,
  "rad/s": String.raw`m?rad\/s(?:ec)?`,
  uT: "[uµμm]t|m?gauss",
  counts: "lsb|counts?|raw|adc",
};
const LONG = {
  g: String.raw`gravit(?:y|ies)|std?\.? ?g|standard gravity`,
  counts: "digits?|int16|ticks",
  degrees: "°|deg|degrees?",
  rad: "rad|radians?",
};
const TIMES = {
  s: "s|secs?|seconds?",
  ms: "ms|msecs?|millis|millisecs?|milliseconds?",
  us: "us|usecs?|micros|microsecs?|microseconds?|samplet?imefine|fine",
  ns: "ns|nsecs?|nanos|nanosecs?|nanoseconds?",
};
const whole = (units) => Object.entries(units).map(([unit, source]) => [unit, new RegExp(`^(?:${source})$`, "iu")]);
const [SHORT_WHOLE, LONG_WHOLE, TIME_WHOLE] = [SHORT, LONG, TIMES].map(whole);
const SHORT_AT_START = Object.entries(SHORT).map(([unit, source]) => [unit, new RegExp(`^(?:${source})`, "iu")]);
const UNIT_AT_END = new RegExp(`[\\s_,](${Object.values(SHORT).join("|")})\\s*$`, "iu");
const named = (patterns, text) => patterns.find(([, pattern]) => pattern.test(text))?.[0] ?? null;

const TIME_WORD = new RegExp(
  `^(?:time${W}|${W}time|${W}timestamps?|ts?|datetime|epoch?|epoc|elapsed|millis${W}|micros${W}|nanos${W}|seconds?|secs?|ms|us|ns` +
    "|clock|unix|zeit|zeitstempel|uhrzeit|temps|horodatage|tiempo|hora|tijd|tempo|czas|čas|время|时间|時間|時刻|시간|aika|zaman" +
    `|sampletimefine|since|yyyy${W})$`,
  "u",
);
const INDEX_WORD =
  /^(?:|[ni]|id|idx|index|no|nr|number|row|samples?|count(?:er)?|packetcounter|packet|seq[\p{L}\p{N}_]*|unnamed)$/u;
/** Labels, people, kinds of sensors, dates: no time, whatever else their names say. */
const OTHER_ROLE =
  /^(?:labels?|activity|activities|activityid|activityname|class|target|annotations?|gt|behaviou?r|aktivität|aktivitaet|activité|actividad|text|subjects?|users?|person|participants?|pid|volunteers?|userid|subjectid|wearer|benutzer|patients?|patientid|participantid|personid|athletes?|proband[\p{L}\p{N}_]*|sujet|sujeto)$/u;
const OTHER_WHOLE = /^(?:sensor|sensors|sensorname|sensortype|type|date|datum|fecha)$/;
const BRACKETS = /[([{]([^()[\]{}]*(?:\([^()]*\)[^()[\]{}]*)?)[)\]}]/g;
const IN_BRACKETS = /[([{<]([^)\]}>]*)[)\]}>]/g;

const MOST_REMEMBERED = 4096;
const remembered = new Map();

/**
 * @param {string} name
 * @returns {{sensor: string | null, axis: string | null, unit: string | null, rest: string[]}} What a name says.
 */
export function readName(name) {
  if (!remembered.has(name)) {
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(name, interpreted(name));
  }
  return remembered.get(name);
}

function interpreted(name) {
  const [unit, bare] = unitOf(name);
  let words = wordsOf(bare);
  const sensors = unit in OF_UNIT ? [OF_UNIT[unit]] : [];
  const hasGravity = words.some((word) => sensorOf(word) === "gravity");
  if (hasGravity && words.some((word) => WITH.has(word))) {
    words = words.filter((word) => !WITH.has(word) && sensorOf(word) !== "gravity");
  } else if ((hasGravity || words.includes("g")) && words.some((word) => WITHOUT.has(word))) {
    sensors.push("linear acceleration");
    words = words.filter((word) => !WITHOUT.has(word) && word !== "g");
  }
  const axis = words.find((word) => AXES.includes(word)) ?? (words.includes("w") ? "w" : null);
  const rest = [];
  words.forEach((word, at) => {
    if (word === axis && words.indexOf(axis) === at) return;
    const sensor = sensorOf(word);
    if (sensor && !(axis && (word === "total" || word === "abs"))) sensors.push(sensor);
    else if (!FILLERS.has(word)) rest.push(word);
  });
  if (axis && !sensors.length) {
    for (const letter of rest.filter((word) => Object.hasOwn(BESIDE_AN_AXIS, word))) {
      sensors.push(BESIDE_AN_AXIS[letter]);
      rest.splice(rest.indexOf(letter), 1);
    }
  }
  return { sensor: STRENGTH.find((each) => sensors.includes(each)) ?? null, axis, unit, rest };
}

/** Return the motion sensor that a title speaks of, or null. */
export function sensorOfText(text) {
  const words = wordsOf(text).filter((word) => word.length > 2);
  let sensors = words.map((word) => (sensorOf(word) === "other" && !ORIENTATION.has(word) ? null : sensorOf(word)));
  if (words.includes("user") && !sensors.includes("acceleration")) {
    sensors = sensors.filter((sensor) => sensor !== "linear acceleration");
  }
  return STRENGTH.find((each) => sensors.includes(each)) ?? null;
}

/** Return the columns of x, y and z of all that may be accelerometers. */
export function accelerometers(names, units = []) {
  const read = names.map(readName);
  const named = wholeGroups(read, "acceleration");
  const isQuaternion = ([x]) =>
    read.some(({ sensor, axis, rest }) => axis === "w" && !sensor && String(rest) === String(read[x].rest));
  const groups = named.length ? named : wholeGroups(read, null).filter((group) => !isQuaternion(group));
  const written = read.map(({ unit }, at) => unit ?? units[at] ?? null);
  const inUnits = groups.filter(([x]) => isOfAcceleration(written[x]));
  const inCounts = groups.filter(([x]) => written[x] === null || written[x] === "counts");
  return inUnits.length === 1 && inUnits.length + inCounts.length === groups.length ? inUnits : groups;
}

/**
 * @param {string[]} names Of all columns.
 * @param {(string | null)[]} [units] Of all columns, where something else than their names tells them.
 * @returns {{axes: number[] | null, unit: string | null, doubt: string | null}} Which columns hold acceleration, and in
 *   which unit; or what must be said of them.
 */
export function findAcceleration(names, units) {
  const groups = accelerometers(names, units);
  const read = names.map(readName);
  if (groups.length === 1) return { axes: groups[0], unit: unitOfColumns(names, groups[0]), doubt: null };
  const none = (doubt) => ({ axes: null, unit: null, doubt });
  const listed = (group, mark) => group.map((column) => names[column]).join(mark);
  if (groups.length > 1) {
    return none(`there are ${groups.length} accelerometers: ${groups.map((group) => listed(group, "/")).join(" and ")}`);
  }
  for (const [sensor, what] of [
    ["linear acceleration", ", with gravity taken out"],
    ["gravity", " alone, without the movement"],
  ]) {
    const [group] = wholeGroups(read, sensor);
    if (group) return none(`the columns ${listed(group, ", ")} are ${sensor}${what}`);
  }
  return none(null);
}

/** Return the unit that the names of some columns agree on, or null. */
export function unitOfColumns(names, columns) {
  const said = new Set(columns.map((column) => readName(names[column]).unit).filter(Boolean));
  return said.size === 1 ? [...said][0] : null;
}

/** Tell whether this is a unit in which acceleration is known without a data sheet. */
export function isOfAcceleration(unit) {
  return unit !== null && (unit in OTHERS || ["g", "raw:1000", "raw:1000000", "m/s2"].includes(unit));
}

/** Return `time`, `index` or an empty string, and the unit of a time where its name says it. */
export function roleOf(name) {
  const bracketed = [...name.matchAll(BRACKETS)].map(([, inner]) => inner.trim().toLowerCase());
  const words = wordsOf(name.replace(BRACKETS, " ").trim());
  const joined = words.join("");
  const unit = (texts) => texts.map(timeUnitNamed).find(Boolean) ?? null;
  // X[s] is what the horizontal axis of a plot shows.
  if (AXES.includes(joined) && unit(bracketed)) return { role: "time", unit: unit(bracketed) };
  if (words.filter((word) => AXES.includes(word)).length === 1) return { role: "" };
  if (joined === "s") return { role: "time", unit: unit([...bracketed, joined]) };
  if (INDEX_WORD.test(joined)) return { role: "index" };
  if (OTHER_WHOLE.test(joined) || OTHER_ROLE.test(joined) || OTHER_ROLE.test(words[0])) return { role: "" };
  const isOdd = joined === "t" && bracketed.length && !unit(bracketed);
  if (isOdd || ![joined, ...words].some((word) => TIME_WORD.test(word))) return { role: "" };
  return { role: "time", unit: unit([...bracketed, joined, ...words.toReversed()]) };
}

/** Return the unit a text begins with, or null, and the rest of the text. */
export function unitAtStart(text) {
  const stripped = text.replace(/^[ \t)\]}Â§]+/, "");
  for (const [unit, pattern] of SHORT_AT_START) {
    const found = pattern.exec(stripped);
    if (!found) continue;
    const rest = stripped.slice(found[0].length);
    // A unit stands behind its number; what is followed by ":" or "=" is a name.
    if (/^[\p{L}\p{N}_]/u.test(rest) || /^\s*[:=]/.test(rest)) break;
    return [unit, rest];
  }
  return [null, text];
}

function timeUnitNamed(text) {
  return named(TIME_WHOLE, text.trim().replace(/^[()[\] ]+|[()[\] ]+$/g, "").toLowerCase().replace(/[µμ]/g, "u"));
}

function anyUnitNamed(text) {
  for (const written of [text.trim().replace(/^[()[\]{} ]+|[()[\]{} ]+$/g, ""), text.trim()]) {
    const plain = written.toLowerCase().replace(/[µμ]/g, "u");
    const unit = named(SHORT_WHOLE, plain) ?? named(LONG_WHOLE, plain);
    if (unit) return unit;
  }
  return null;
}

/** Return the unit in a name, or null, and the name without it. */
function unitOf(name) {
  for (const [, inner] of name.matchAll(IN_BRACKETS)) {
    const unit = anyUnitNamed(inner);
    if (unit) return [unit, name.replace(IN_BRACKETS, " ")];
  }
  for (const mark of ["_", " in ", " ", ",", "/"]) {
    const at = name.lastIndexOf(mark);
    const unit = at > 0 ? named(SHORT_WHOLE, name.slice(at + mark.length).trim()) : null;
    if (unit && axisOf(name.slice(0, at))) return [unit, name.slice(0, at)];
  }
  const found = UNIT_AT_END.exec(name);
  if (found && axisOf(name.slice(0, found.index))) return [named(SHORT_WHOLE, found[1]), name.slice(0, found.index)];
  return [null, name];
}

/** Return the axis that a name without a unit names, or null. */
export function axisOf(name) {
  const axes = wordsOf(name).filter((word) => AXES.includes(word));
  return axes.length === 1 ? axes[0] : null;
}

/** Split a name into lower-case words: at other characters, at capitals, and between a sensor and its axis. */
function wordsOf(name) {
  const spaced = name
    .replace(/(?:(?<![A-Za-z])[xyzXYZ]|(?<=[a-z])[XYZ])(?=[Aa]xis|AXIS|轴|軸|축)/g, " $& ")
    .replace(/(?<![\p{L}\p{N}])[gG][-_ ]?[fF]orce/gu, "gforce").replaceAll("gF", "gf ").replace(/(?<=[a-z0-9])(?=[A-Z])/g, " ");
  const words = (spaced.match(/[\p{L}\p{N}]+/gu) ?? []).flatMap((word) => split(word.toLowerCase()));
  if (words.includes("gy") && !words.some((word) => WXYZ.includes(word))) words.splice(words.indexOf("gy"), 1, "gyro", "y");
  return words;
}

/** Split `accx` and `xacc` into sensor and axis, `acc1` into sensor and number. */
function split(word) {
  if (SENSOR_OF.has(word) || WXYZ.includes(word)) return [word];
  const found = SPLIT_SENSOR.exec(word) ?? SPLIT_SENSOR.exec(word.slice(1) + word[0]);
  if (found) {
    const [, sensor, before, axis, behind] = found;
    return [SENSOR_OF.has(sensor) ? sensor : SPELLED_OUT[sensor], ...[before, behind].filter(Boolean), axis];
  }
  const filled = FILLED.exec(word);
  if (filled) return [filled[1] ?? filled[2]];
  const numbered = /^([a-z]+?)(\d+)$/.exec(word);
  return numbered && (SENSOR_OF.has(numbered[1]) || AXES.includes(numbered[1])) ? [numbered[1], numbered[2]] : [word];
}

function sensorOf(word) {
  return SENSOR_OF.get(word) ?? BEGINNINGS.find(([pattern]) => pattern.test(word))?.[1] ?? null;
}

/** Return the columns x, y, z of every sensor of a kind that has all three. */
function wholeGroups(read, sensor) {
  const groups = new Map();
  read.forEach((name, column) => {
    if (name.sensor !== sensor || !name.axis) return;
    // The same name again is the same axis of another group.
    let again = 0;
    const key = () => JSON.stringify([again, ...name.rest]);
    while (groups.get(key())?.[name.axis] !== undefined) again++;
    groups.set(key(), { ...groups.get(key()), [name.axis]: column });
  });
  const isWhole = (axes) => AXES.every((axis) => axes[axis] !== undefined);
  let found = [...groups.values()].filter(isWhole);
  if (!found.length) {
    // The first name of a line may carry words for all of them: "mpu6050: ax=1 ay=2 az=3".
    const alike = AXES.map((axis) => [...groups.values()].map((axes) => axes[axis]).filter((column) => column !== undefined));
    if (alike.every((columns) => columns.length === 1)) found = [Object.fromEntries(AXES.map((axis, at) => [axis, alike[at][0]]))];
  }
  return found.map(({ x, y, z }) => [x, y, z]);
}
