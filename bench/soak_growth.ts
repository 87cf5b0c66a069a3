// Does something grow? A straight line through what was measured.

export interface Growth {
  readonly mean: number;
  /** By how much the line is higher at its end than at its beginning. */
  readonly grown: number;
}

/** The line of least squares through points of time and value. */
export function growth(points: readonly (readonly [time: number, value: number])[]): Growth {
  const count = points.length;
  const sum = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((total, point) => total + of(point), 0);
  const mean = sum(([, value]) => value) / count;
  const middle = sum(([time]) => time) / count;
  const spread = sum(([time]) => (time - middle) ** 2);
  if (count < 2 || spread === 0) return { mean, grown: 0 };
  const slope = sum(([time, value]) => (time - middle) * (value - mean)) / spread;
  const times = points.map(([time]) => time);
  return { mean, grown: slope * (Math.max(...times) - Math.min(...times)) };
}

export function percentOf({ mean, grown }: Growth): string {
  return (grown / mean * 100).toFixed(1);
}
