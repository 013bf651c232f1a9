/** A design space as its combinations, and those that none beats. */
import type { Axis, DesignPoint } from './explore.ts';

/** Values of the axes at a point of their space; the last axis turns fastest. */
export function combination(axes: readonly Axis[], point: number): number[] {
  let rest = point;
  const values = new Array<number>(axes.length);
  for (let axis = axes.length - 1; axis >= 0; axis -= 1) {
    const { length } = axes[axis]!.values;
    values[axis] = axes[axis]!.values[rest % length]!;
    rest = Math.floor(rest / length);
  }
  return values;
}

/** Adds a point to a front under construction, rising in time and strictly falling in cost, unless one beats it. */
export function addToFront(
  front: DesignPoint[],
  point: DesignPoint,
  costOf: (point: DesignPoint) => number,
): void {
  let low = 0;
  for (let high = front.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (front[middle]!.timeNs < point.timeNs) low = middle + 1;
    else high = middle;
  }
  const cost = costOf(point);
  if (low > 0 && costOf(front[low - 1]!) <= cost) return;
  if (front[low]?.timeNs === point.timeNs && costOf(front[low]!) <= cost) return;
  let end = low;
  while (end < front.length && costOf(front[end]!) >= cost) end += 1;
  front.splice(low, end - low, point);
}
