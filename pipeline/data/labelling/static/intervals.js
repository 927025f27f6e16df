// Intervals of one recording: [start, stop, label] in samples, in order, without overlap. No change touches its input.

export function placed(intervals, start, stop, label) {
  // What lies below a new interval is cut; neighbours of the same label become one.
  const kept = [];
  for (const [from, to, name] of intervals) {
    if (from < start) kept.push([from, Math.min(to, start), name]);
    if (to > stop) kept.push([Math.max(from, stop), to, name]);
  }
  kept.push([start, stop, label]);
  kept.sort((left, right) => left[0] - right[0]);
  const merged = [];
  for (const each of kept) {
    const last = merged.at(-1);
    if (last && last[1] === each[0] && last[2] === each[2]) last[1] = each[1];
    else merged.push([...each]);
  }
  return merged;
}

export function at(intervals, sample) {
  return intervals.find(([start, stop]) => start <= sample && sample < stop) ?? null;
}

export function without(intervals, sample) {
  const found = at(intervals, sample);
  return found ? intervals.filter((each) => each !== found) : intervals;
}

export function nearest(intervals, sample) {
  // The interval at a sample, or the one whose edge is nearest.
  const distance = ([start, stop]) => (sample < start ? start - sample : sample >= stop ? sample - stop + 1 : 0);
  return intervals.reduce((best, each) => (best === null || distance(each) < distance(best) ? each : best), null);
}

export function withEdge(intervals, sample, side) {
  // Let the nearest interval begin or end at a sample.
  const found = nearest(intervals, sample);
  if (!found) return intervals;
  const [start, stop, label] = found;
  const [from, to] = side === "start" ? [sample, stop] : [start, sample];
  if (from >= to) return intervals;
  return placed(intervals.filter((each) => each !== found), from, to, label);
}

export function edges(intervals) {
  return [...new Set(intervals.flatMap(([start, stop]) => [start, stop]))].sort((left, right) => left - right);
}
