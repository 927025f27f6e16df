/**
 * A picture of the last seconds of x, y and z.
 *
 * @module trace
 */

const SECONDS = 6;
const LEAST_RANGE = 15;

/**
 * Draw samples on a canvas, in the colours of the page.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{sample: number[], timeMs: number}[]} samples In m/s², the oldest first.
 */
export function drawTrace(canvas, samples) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  const end = samples.at(-1)?.timeMs ?? 0;
  const shown = samples.filter(({ timeMs }) => timeMs > end - 1000 * SECONDS);
  const range = Math.max(LEAST_RANGE, ...shown.flatMap(({ sample }) => sample.map(Math.abs)));
  const y = (value) => height / 2 - (value / range) * (height / 2 - 2);
  const x = (timeMs) => width * (1 - (end - timeMs) / (1000 * SECONDS));

  drawGrid(pen, { width, y, range, line: style.getPropertyValue("--line") });
  for (let axis = 0; axis < 3; axis++) {
    pen.beginPath();
    for (const [index, { sample, timeMs }] of shown.entries()) {
      const isHole = index > 0 && timeMs - shown[index - 1].timeMs > 200;
      if (index === 0 || isHole) pen.moveTo(x(timeMs), y(sample[axis]));
      else pen.lineTo(x(timeMs), y(sample[axis]));
    }
    pen.strokeStyle = style.getPropertyValue(`--${"xyz"[axis]}`);
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    pen.stroke();
  }
}

/** Lines at zero and at one g either way. */
function drawGrid(pen, { width, y, range, line }) {
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  for (const value of [-9.80665, 0, 9.80665]) {
    if (Math.abs(value) >= range) continue;
    const at = Math.round(y(value)) + 0.5;
    pen.beginPath();
    pen.setLineDash(value === 0 ? [] : [3, 4]);
    pen.moveTo(0, at);
    pen.lineTo(width, at);
    pen.stroke();
  }
  pen.setLineDash([]);
}
