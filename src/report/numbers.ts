/** Numbers as people read them: three significant digits, a unit that fits, never an exponent. */

/** Three significant digits without an exponent: 0.0123, 1.23, 12.3, 123, 1234. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value === 0) return '0';
  // Rounded first, so that 0.9996 counts as 1.00 and not as 1.000.
  const rounded = Number(value.toPrecision(3));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded))));
  return (digits === 0 ? value : rounded).toFixed(Math.min(digits, 6));
}

/** A speed-up: two decimals below 10, one below 100. */
export function formatRatio(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** A share as whole per cent, without the sign. */
export function formatPercent(share: number): string {
  return `${Math.round(share * 100)}`;
}

/** Per cent with as many decimals as tell 0.995 from 1, without the sign: 90, 99.5, 0.5. */
export function formatExactPercent(share: number): string {
  return `${Number((share * 100).toFixed(2))}`;
}

/** Bytes a nonzero. */
export function formatBytes(bytes: number): string {
  return bytes < 99.95 ? bytes.toFixed(1) : bytes.toFixed(0);
}

/** A count of evaluations, rounded up: 7, 1200, 35k, 1.2M. */
export function formatCount(count: number): string {
  const whole = Math.ceil(count);
  if (whole < 10_000) return `${whole}`;
  if (whole < 999_500) return `${formatNumber(whole / 1000)}k`;
  if (whole < 999.5e6) return `${formatNumber(whole / 1e6)}M`;
  return `${formatNumber(whole / 1e9)}G`;
}

/** A time in the unit that fits. */
export function formatTime(timeNs: number): string {
  if (timeNs === 0) return '0';
  if (timeNs < 999.5) return `${formatNumber(timeNs)} ns`;
  if (timeNs < 999.5e3) return `${formatNumber(timeNs / 1e3)} us`;
  if (timeNs < 999.5e6) return `${formatNumber(timeNs / 1e6)} ms`;
  return `${formatNumber(timeNs / 1e9)} s`;
}

/** A size in the binary unit that fits. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 2 ** 20) return `${formatNumber(bytes / 1024)} KiB`;
  if (bytes < 2 ** 30) return `${formatNumber(bytes / 2 ** 20)} MiB`;
  return `${formatNumber(bytes / 2 ** 30)} GiB`;
}
