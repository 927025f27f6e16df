/**
 * Pictures of the last seconds of x, y and z.
 *
 * @module trace
 */

const SECONDS = 6;
const ACCELERATION = { first: 0, least: 15, marks: [-9.80665, 0, 9.80665] };

/** The channels of the turning rate, in degrees/s. */
export const TURNING_RATE = { first: 3, least: 100, marks: [-100, 0, 100] };

/**
 * Draw samples on a canvas, in the colours of the page.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{sample: number[], timeMs: number}[]} samples The oldest first.
 * @param {{first: number, least: number, marks: number[]}} [what] The first of three channels, what at least fits into
 *   the picture, and where lines are drawn.
 */
export function drawTrace(canvas, samples, { first, least, marks } = ACCELERATION) {
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
  const range = Math.max(least, ...shown.flatMap(({ sample }) => sample.slice(first, first + 3).map(Math.abs)));
  const y = (value) => height / 2 - (value / range) * (height / 2 - 2);
  const x = (timeMs) => width * (1 - (end - timeMs) / (1000 * SECONDS));

  drawGrid(pen, { width, y, range, marks, line: style.getPropertyValue("--line") });
  for (let axis = 0; axis < 3; axis++) {
    pen.beginPath();
    for (const [index, { sample, timeMs }] of shown.entries()) {
      const isHole = index > 0 && timeMs - shown[index - 1].timeMs > 200;
      if (index === 0 || isHole) pen.moveTo(x(timeMs), y(sample[first + axis]));
      else pen.lineTo(x(timeMs), y(sample[first + axis]));
    }
    pen.strokeStyle = style.getPropertyValue(`--${"xyz"[axis]}`);
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    pen.stroke();
  }
}

/** Lines at zero, and at one g or a hundred degrees/s either way. */
function drawGrid(pen, { width, y, range, marks, line }) {
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  for (const value of marks) {
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
