// Run frames.js, lines.js and the reader of serial.js in Node: a JSON request on stdin, a JSON reply on stdout.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const request = JSON.parse(readFileSync(0, "utf8"));
const from = (name) => import(pathToFileURL(`${request.static}/${name}.js`));
const { encodeFrame, FrameParser } = await from("frames");
const { unitOfLength } = await from("evidence");
const { STANDARD_GRAVITY } = await from("gravity");
const { readName, roleOf, unitAtStart } = await from("names");
const { Readings } = await from("readings");
const { LineSource } = await from("lines");
const { ByteReader } = await from("serial");
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");

const tasks = {
  encode: ({ bodies }) => bodies.map((body) => hex(encodeFrame(bytes(body)))),
  parse({ reads }) {
    const parser = new FrameParser();
    const events = reads.flatMap(({ t_s: nowS, hex: data }) => parser.feed(bytes(data), nowS));
    return events.map(({ body, damaged }) => (body ? { body: hex(body) } : { damaged }));
  },
  unit: ({ lengths, isWhole }) => lengths.map((length) => unitOfLength(length, isWhole)),
  lines({ reads }) {
    const source = new LineSource();
    const samples = reads.flatMap(({ t_s: nowS, hex: data }) => source.feed(bytes(data), nowS));
    const readings = new Readings(120);
    for (const { sample, timeS } of samples) readings.add(sample.map((each) => each * STANDARD_GRAVITY), 1000 * timeS);
    const { layout, unit, lost, problem } = source;
    const doubt = source.doubt === "sensor" ? "columns" : source.doubt;
    return { samples: samples.map(({ sample }) => sample), layout, unit, lost, doubt, problem, gravity: readings.doubt };
  },
  names: ({ names }) => names.map((name) => [readName(name), roleOf(name), unitAtStart(name)]),
  read({ reads, axes }) {
    const written = [];
    const reader = new ByteReader((data) => written.push(hex(data)));
    if (axes) reader.choose(axes);
    const samples = reads.flatMap(({ t_s: nowS, hex: data }) => reader.feed(bytes(data), nowS));
    const { speaks, problem, lost, asks } = reader;
    return { samples, written, speaks, problem, lost, asks };
  },
};
process.stdout.write(JSON.stringify(request.tasks.map((task) => tasks[task.kind](task))));
