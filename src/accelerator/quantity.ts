/** Numbers of accelerator files and energy tables: each with its unit and its source. */
import type { YamlReader, YamlValue } from '../workload/yaml-reader.ts';

/** A mapping of value, unit and source; `read` checks the value. Throws what the reader throws. */
export function readQuantity(
  reader: YamlReader,
  value: YamlValue,
  unit: string,
  read: (value: YamlValue) => number,
): number {
  const fields = reader.record(value, ['value', 'unit', 'source']);
  const need = (key: string): YamlValue =>
    fields.get(key) ??
    reader.fail(value, `a key "${key}"`, `Write { value: ..., unit: ${unit}, source: where it is from }.`);
  reader.text(need('source'));
  const given = reader.scalar(need('unit'));
  if (String(given) !== unit) reader.fail(need('unit'), `the unit ${unit}`, 'Convert the number.');
  return read(need('value'));
}
