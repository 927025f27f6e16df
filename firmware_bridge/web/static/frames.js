/**
 * The binary protocol of docs/protocol.md, as far as a page needs it: frames, HELLO and SAMPLES.
 *
 * @module frames
 */

const CRC_BYTES = 4;
const MAX_BODY_BYTES = 250;
const MAX_ENCODED_BYTES = MAX_BODY_BYTES + CRC_BYTES + 1;
const MIN_ENCODED_BYTES = 1 + CRC_BYTES + 1;
const PAUSE_S = 0.05;
const MOST_MARKS = 8;
const STANDARD_GRAVITY = 9.80665;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The CRC-32 of zlib, Ethernet and PNG. */
export function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** Return the bytes that carry a body over a line; the 00 in front ends whatever noise came before. */
export function encodeFrame(body) {
  const crc = crc32(body);
  const content = [...body, crc & 0xff, (crc >>> 8) & 0xff, (crc >>> 16) & 0xff, crc >>> 24];
  const line = [0];
  let code = 1;
  let run = [];
  for (const byte of content) {
    if (byte !== 0) {
      run.push(byte);
      code++;
    } else {
      line.push(code, ...run);
      [code, run] = [1, []];
    }
  }
  return Uint8Array.from([...line, code, ...run, 0]);
}

/** Return the body that stands between two terminators, or the cause for which there is none. */
function decodeFrame(encoded) {
  if (encoded.length < MIN_ENCODED_BYTES) return { damaged: "short" };
  if (encoded.length > MAX_ENCODED_BYTES) return { damaged: "long" };
  const content = [];
  for (let at = 0; at < encoded.length; ) {
    const code = encoded[at];
    if (at + code > encoded.length) return { damaged: "stuffing" };
    content.push(...encoded.slice(at + 1, at + code));
    at += code;
    if (code < 0xff && at < encoded.length) content.push(0);
  }
  const body = Uint8Array.from(content.slice(0, -CRC_BYTES));
  const [a, b, c, d] = content.slice(-CRC_BYTES);
  return crc32(body) === (a | (b << 8) | (c << 16) | (d << 24)) >>> 0 ? { body } : { damaged: "checksum" };
}

/** Finds frames in whatever a line delivers, in whatever pieces; a pause is a mark, as the specification says. */
export class FrameParser {
  #kept = [];
  #size = 0;
  #marks = [];
  #lastS = 0;

  /**
   * Take the bytes of one read.
   *
   * @param {Uint8Array} data
   * @param {number} nowS On any clock that runs forward.
   * @returns {({body: Uint8Array} | {damaged: string})[]}
   */
  feed(data, nowS) {
    const events = [];
    if (!data.length) return events;
    if (this.#size && nowS - this.#lastS > PAUSE_S) this.#pause(events);
    this.#lastS = nowS;
    for (const byte of data) {
      if (byte !== 0) this.#keep(byte, events);
      else if (this.#size) this.#end(events);
    }
    return events;
  }

  #keep(byte, events) {
    this.#size++;
    if (this.#kept.length <= MAX_ENCODED_BYTES) this.#kept.push(byte);
    while (this.#kept.length > MAX_ENCODED_BYTES && this.#marks.length) {
      const [mark, ...later] = this.#marks;
      events.push({ damaged: "cut" });
      this.#kept = this.#kept.slice(mark);
      this.#size -= mark;
      this.#marks = later.map((each) => each - mark);
    }
  }

  #pause(events) {
    if (this.#size > MAX_ENCODED_BYTES) {
      events.push({ damaged: "long" });
      this.#clear();
    } else if (this.#marks.length < MOST_MARKS) {
      this.#marks.push(this.#kept.length);
    }
  }

  #end(events) {
    let event = this.#size <= MAX_ENCODED_BYTES ? decodeFrame(this.#kept) : { damaged: "long" };
    for (const mark of event.body ? [] : this.#marks) {
      const behind = decodeFrame(this.#kept.slice(mark));
      if (behind.body) {
        events.push({ damaged: "cut" });
        event = behind;
        break;
      }
    }
    events.push(event);
    this.#clear();
  }

  #clear() {
    [this.#kept, this.#size, this.#marks] = [[], 0, []];
  }
}

/** WHO, version 1.0: a device answers with HELLO. */
export const WHO = encodeFrame([0x81, 1, 0]);
/** START at the rate and the samples a frame that the device likes. */
export const START = encodeFrame([0x82, 0, 0, 0, 0, 0]);
export const STOP = encodeFrame([0x83]);

/** Codes of channels along or about x, y, z. */
const ACCELERATION = [1, 2, 3];
const TURNING = [4, 5, 6];
const HELLO = 0x01;
const SAMPLES = 0x02;
const SENSES = 1;
const STREAMS = 2;

/** The version of devices whose samples have other channels than x, y, z: their HELLO says which. */
const CHANNELS_MAJOR = 2;
const MOST_CHANNELS = 6;

/** Return the channels of a HELLO of version 2, codes as in the specification, and where they end; or null. */
function readChannels(body) {
  let at = 39;
  for (let name = 0; name < 3; name++) at += 1 + (body[at] ?? 0);
  const count = body[at] ?? 0;
  const channels = [...body.slice(at + 1, at + 1 + count)];
  const isKnown = channels.every((code) => code >= 1 && code <= MOST_CHANNELS);
  const isSound = count && channels.length === count && isKnown && new Set(channels).size === count;
  return isSound ? { channels, end: at + 1 + count } : null;
}

/** Return what a HELLO says that samples need, or why it cannot be used. */
function readHello(body) {
  if (body.length >= 3 && body[1] !== 1 && body[1] !== CHANNELS_MAJOR) {
    return {
      problem:
        `The sensor speaks version ${body[1]}.${body[2]} of the protocol, this page 1.x and 2.x: ` +
        (body[1] > CHANNELS_MAJOR ? "load a newer page." : "update the firmware of the sensor."),
    };
  }
  const said = body[1] === CHANNELS_MAJOR ? readChannels(body) : { channels: ACCELERATION, end: 0 };
  if (body.length < 42 || !said) return null;
  const { channels, end } = said;
  if (!ACCELERATION.every((code) => channels.includes(code))) {
    return { problem: "The sensor sends no acceleration along x, y and z, which the model needs: use another one." };
  }
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const axes = [19, 20, 21].map((at) => view.getInt8(at));
  const countsPerUnit = view.getFloat32(10, true);
  const rateHz = view.getUint32(6, true) / 1000;
  const isOrder = axes.map(Math.abs).toSorted().join() === "1,2,3";
  if (!isOrder || !(countsPerUnit > 0) || !Number.isFinite(countsPerUnit) || !(rateHz >= 0.1 && rateHz <= 32_000)) {
    return null;
  }
  const turns = TURNING.every((code) => channels.includes(code));
  if (turns && body.length < end + 4) return null;
  const perDegree = turns ? view.getFloat32(end, true) : 1;
  if (!(perDegree > 0) || !Number.isFinite(perDegree)) return null;
  const perG = view.getUint8(14) === 2 ? countsPerUnit * STANDARD_GRAVITY : countsPerUnit;
  return { boot: view.getUint16(3, true), abilities: body[5], rateHz, perG, perDegree, axes, channels };
}

/** The sense of a turning rate in the axes of the model: a reflection turns it round (docs/protocol.md). */
function handedness(axes) {
  const [a, b, c] = axes.map(Math.abs);
  return Math.sign(axes[0] * axes[1] * axes[2]) * ((b - a) * (c - b) * (c - a) > 0 ? 1 : -1);
}

/**
 * Turns frames of a device into samples in g, each with its time by the device's clock; of a device with a gyroscope the
 * turning rate in degrees/s follows.
 */
export class FrameSource {
  #parser = new FrameParser();
  #hello = null;
  #boot = null;
  #next = null;
  #last = null;
  #askedS = -Infinity;
  #write;
  /** Why the device cannot be used, in one sentence; empty where it can. */
  problem = "";
  /** Whole frames that came. */
  frames = 0;
  /** Damaged ones. */
  damaged = 0;
  /** Samples that are missing by their numbers. */
  lost = 0;
  /** Whether this page has made the device stream. */
  started = false;

  /** @param {(bytes: Uint8Array) => void} write Sends bytes; used once the device has shown that it speaks frames. */
  constructor(write) {
    this.#write = write;
  }

  /**
   * Take the bytes of one read.
   *
   * @param {Uint8Array} data
   * @param {number} nowS
   * @returns {{sample: number[], timeS: number, restart: boolean}[]} `restart` marks a sample that does not continue
   *   those before: the device has booted anew.
   */
  feed(data, nowS) {
    const found = [];
    for (const { body } of this.#parser.feed(data, nowS)) {
      if (!body) {
        // What lies before the first frame is a stream that was joined in the middle, or no frames at all.
        this.damaged += this.frames > 0;
        continue;
      }
      this.frames++;
      if (body[0] === HELLO) this.#meet(readHello(body));
      else if (body[0] === SAMPLES) this.#take(body, found);
      if (!this.#hello && nowS - this.#askedS > 1) {
        this.#askedS = nowS;
        this.#write(WHO);
      }
    }
    return found;
  }

  #meet(hello) {
    this.problem = hello?.problem ?? (hello ? "" : this.problem);
    if (this.problem) {
      this.#hello = null;
      return;
    }
    this.#hello = hello ?? this.#hello;
    if (hello && hello.abilities & SENSES && !(hello.abilities & STREAMS) && !this.started) {
      this.started = true;
      this.#write(START);
    }
  }

  #take(body, found) {
    if (!this.#hello) return;
    const { axes, channels, perG, perDegree } = this.#hello;
    const sampleBytes = 2 * channels.length;
    const count = (body.length - 13) / sampleBytes;
    if (!Number.isInteger(count) || count < 1) return;
    const vectors = [{ codes: ACCELERATION, one: perG }, { codes: TURNING, one: perDegree * handedness(axes) }]
      .map(({ codes, one }) => ({ places: codes.map((code) => channels.indexOf(code)), one }))
      .filter(({ places }) => !places.includes(-1));
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const [boot, sequence, micros] = [view.getUint16(1, true), view.getUint32(3, true), view.getUint32(7, true)];
    const restart = boot !== this.#boot;
    if (restart) this.#begin(boot, sequence, micros);
    const ahead = (sequence - this.#next) | 0;
    // A frame that came twice, or too late to be used.
    if (ahead < 0) return;
    this.lost += ahead;
    const timeS = this.#timeOf(sequence, micros);
    const { periodS } = this.#last;
    for (let index = 0; index < count; index++) {
      const at = 13 + sampleBytes * index;
      const sample = vectors.flatMap(({ places, one }) =>
        axes.map((axis) => (Math.sign(axis) * view.getInt16(at + 2 * places[Math.abs(axis) - 1], true)) / one),
      );
      found.push({ sample, timeS: timeS + index * periodS, restart: restart && index === 0 });
    }
    this.#next = (sequence + count) >>> 0;
  }

  #begin(boot, sequence, micros) {
    const before = this.#last ? this.#last.timeS : 0;
    this.#boot = boot;
    this.#next = sequence;
    this.#last = { sequence, micros, timeS: before + 1, periodS: 1 / this.#hello.rateHz };
  }

  /** The time of a sample on a clock that never wraps; the distance of two frames shows the true period. */
  #timeOf(sequence, micros) {
    const last = this.#last;
    const samples = (sequence - last.sequence) >>> 0;
    const passedS = ((micros - last.micros) >>> 0) / 1e6;
    if (samples > 0) {
      const shown = passedS / samples;
      const isPossible = Math.abs(shown * this.#hello.rateHz - 1) < 0.2;
      this.#last = { sequence, micros, timeS: last.timeS + passedS, periodS: isPossible ? shown : last.periodS };
    }
    return this.#last.timeS;
  }
}
