// The two pictures: the whole recording with the part in view, and that part with labels, gaps and the play-head.

const AXES = [["x", "--x"], ["y", "--y"], ["z", "--z"]];
const COLOURS = {
  light: { "--x": "#c23b3b", "--y": "#1f6bb8", "--z": "#2e8b57", ink: "#16191d", soft: "#5b6570", line: "#dfe3e7" },
  dark: { "--x": "#ef7c7c", "--y": "#6fb0f0", "--z": "#5fc48c", ink: "#e7eaed", soft: "#98a3ae", line: "#30363c" },
};
const LABELS = [
  "#1f6bb8", "#b55f0a", "#257048", "#b03434", "#6d48a5", "#0f6f77", "#a83d7a", "#6f6616", "#56626d", "#84543a", "#2c7fae", "#537a20",
];
const dark = matchMedia("(prefers-color-scheme: dark)");
const BAND = 22, FOOT = 20;

export const labelColour = (index) => LABELS[index % LABELS.length];
const colours = () => COLOURS[dark.matches ? "dark" : "light"];

function prepared(canvas) {
  const ratio = devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  const width = Math.max(1, Math.round(box.width)), height = Math.max(1, Math.round(box.height));
  if (canvas.width !== width * ratio) canvas.width = width * ratio;
  if (canvas.height !== height * ratio) canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  return { pen, width, height };
}

function drawLines(pen, signal, part, view, width, top, height, range) {
  // Columns hold the lowest and highest value of every axis; a line through both shows every peak.
  const columns = signal.length / 6;
  const x = (column) => (((part[0] + ((column + 0.5) / columns) * (part[1] - part[0])) - view[0]) / (view[1] - view[0])) * width;
  const y = (value) => top + height - ((value - range[0]) / (range[1] - range[0])) * height;
  AXES.forEach(([, colour], axis) => {
    pen.strokeStyle = colours()[colour];
    pen.lineWidth = 1.1;
    pen.beginPath();
    for (let column = 0; column < columns; column++) {
      const low = y(signal[column * 6 + axis]), high = y(signal[column * 6 + 3 + axis]);
      if (column) pen.lineTo(x(column), low);
      else pen.moveTo(x(column), low);
      if (high !== low) pen.lineTo(x(column), high);
    }
    pen.stroke();
  });
}

function band(pen, from, to, top, height, colour, text) {
  pen.globalAlpha = 0.85;
  pen.fillStyle = colour;
  pen.fillRect(from, top, Math.max(1, to - from), Math.min(height, BAND - 4));
  pen.globalAlpha = 0.12;
  pen.fillRect(from, top, Math.max(1, to - from), height);
  pen.globalAlpha = 1;
  if (!text || to - from < 14) return;
  pen.save();
  pen.beginPath();
  pen.rect(from, top, to - from, BAND);
  pen.clip();
  pen.fillStyle = "#fff";
  pen.fillText(text, Math.max(from, 0) + 5, top + (BAND - 4) / 2);
  pen.restore();
}

export function drawOverview(canvas, { signal, length, view, head, intervals, colourOf, range }) {
  const { pen, width, height } = prepared(canvas);
  const x = (sample) => (sample / length) * width;
  for (const [start, stop, label] of intervals) band(pen, x(start), x(stop), 0, height, colourOf(label), "");
  pen.globalAlpha = 0.7;
  drawLines(pen, signal, [0, length], [0, length], width, BAND / 2, height - BAND / 2 - 2, range);
  pen.globalAlpha = 1;
  pen.strokeStyle = colours().ink;
  pen.lineWidth = 2;
  pen.strokeRect(Math.max(1, x(view[0])), 1, Math.max(3, x(view[1]) - x(view[0]) - 2), height - 2);
  pen.fillStyle = colours().ink;
  pen.fillRect(x(head) - 0.75, 0, 1.5, height);
}

export function drawDetail(canvas, state) {
  const { signal, part, view, head, intervals, colourOf, range, open, gaps, rateHz } = state;
  const { pen, width, height } = prepared(canvas);
  const x = (sample) => ((sample - view[0]) / (view[1] - view[0])) * width;
  const floor = height - FOOT, palette = colours();
  drawGrid(pen, width, floor, range, palette);
  for (const [start, stop, label] of intervals) {
    if (stop > view[0] && start < view[1]) band(pen, x(start), x(stop), 2, floor - 2, colourOf(label), label);
  }
  if (open) band(pen, x(Math.min(open.from, head)), x(Math.max(open.from, head)), 2, floor - 2, colourOf(open.label), open.label);
  if (signal) drawLines(pen, signal, part, view, width, BAND + 4, floor - BAND - 8, range);
  pen.strokeStyle = palette.soft;
  pen.setLineDash([3, 3]);
  for (const gap of gaps) {
    if (gap < view[0] || gap > view[1]) continue;
    pen.beginPath();
    pen.moveTo(x(gap), BAND);
    pen.lineTo(x(gap), floor);
    pen.stroke();
  }
  pen.setLineDash([]);
  drawTimes(pen, width, floor, view, rateHz, palette);
  pen.fillStyle = palette.ink;
  pen.fillRect(x(head) - 1, 0, 2, floor);
}

function drawGrid(pen, width, floor, range, palette) {
  const top = BAND + 4, height = floor - BAND - 8;
  for (let value = Math.ceil(range[0]); value <= range[1]; value += Math.max(1, Math.round((range[1] - range[0]) / 6))) {
    const y = top + height - ((value - range[0]) / (range[1] - range[0])) * height;
    pen.fillStyle = palette.line;
    pen.fillRect(0, y, width, 1);
    pen.fillStyle = palette.soft;
    pen.fillText(`${value} g`.replace("-", "−"), 4, y - 8);
  }
}

function drawTimes(pen, width, floor, view, rateHz, palette) {
  const seconds = (view[1] - view[0]) / rateHz, power = 10 ** Math.floor(Math.log10(seconds / 6));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => seconds / each <= 8);
  pen.fillStyle = palette.soft;
  for (let tick = Math.ceil(view[0] / rateHz / step); tick * step <= view[1] / rateHz; tick++) {
    const x = ((tick * step * rateHz - view[0]) / (view[1] - view[0])) * width;
    pen.fillRect(x, floor, 1, 4);
    const text = `${Number((tick * step).toPrecision(9))} s`;
    if (x + pen.measureText(text).width + 4 < width) pen.fillText(text, x + 3, floor + 11);
  }
}
