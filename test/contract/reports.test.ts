import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { renderReport, reportNamed, reports } from '../../src/report/index.ts';
import { pageScript } from '../../src/report/page.ts';
import type { Measurement, Result } from '../../src/terms.ts';
import { fakeNetworkResult, fakeResult, hostileResult } from '../fakes.ts';

const small = fakeResult({ shapes: [{ m: 64, k: 128, n: 16 }], densities: [0.1, 0.3, 0.5] });
const nothing: Result = { ...small, workloads: [], measurements: [], end: null };
const onlyTroubles: Result = {
  ...small,
  measurements: small.measurements.map(
    ({ id, workload, library, kernel, format, isa, threads, dense }): Measurement => {
      const reason = 'no room';
      return { id, workload, library, kernel, format, isa, threads, dense, status: 'unsupported', reason };
    },
  ),
};
const onlyDense: Result = {
  ...small,
  measurements: small.measurements.filter((measurement) => measurement.dense),
};
const noDense: Result = {
  ...small,
  measurements: small.measurements.filter((measurement) => !measurement.dense),
};
const oneSample: Result = {
  ...small,
  measurements: small.measurements.map((measurement) =>
    measurement.status === 'measured'
      ? { ...measurement, samplesNs: measurement.samplesNs.slice(0, 1), rounds: [1] }
      : measurement,
  ),
};
const noCeilings: Result = {
  ...small,
  header: {
    ...small.header,
    machine: { ...small.header.machine, ceilings: [], caches: { l1dBytes: 0, l2Bytes: 0, l3Bytes: 0 } },
  },
};
const oneDensity = fakeResult({ shapes: [{ m: 64, k: 128, n: 1 }], densities: [0.5] });

const inputs: readonly [name: string, results: readonly Result[]][] = [
  ['a small run', [small]],
  ['a run with quality', [fakeNetworkResult()]],
  ['two machines', [small, fakeNetworkResult({ slower: 1.5 })]],
  ['nothing measured', [nothing]],
  ['only troubles', [onlyTroubles]],
  ['only dense', [onlyDense]],
  ['no dense', [noDense]],
  ['one sample a case', [oneSample]],
  ['no ceilings', [noCeilings]],
  ['one density', [oneDensity]],
  ['hostile text', [hostileResult()]],
];

/** What a pattern finds, with a little of what is around it: reports are too long to print. */
function found(text: string, pattern: RegExp): string | undefined {
  return text.match(new RegExp(`.{0,60}(?:${pattern.source}).{0,60}`, pattern.flags))?.[0];
}

/** All text of a report, file names included. */
function textOf(name: string, results: readonly Result[], options = {}): string {
  const output = renderReport(reportNamed(name)!, results, { resamples: 50, ...options });
  return typeof output === 'string' ? output : output.map((file) => `${file.name}\n${file.text}`).join('');
}

test('names and extensions are distinct words', () => {
  const names = reports.map((report) => report.name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, extension, description } of reports) {
    expect(name).toMatch(/^[a-z]+$/);
    expect(extension).toMatch(/^[a-z]+$/);
    expect(description).not.toBe('');
  }
  expect(reportNamed('none')).toBeUndefined();
});

test('no results, no report', () => expect(() => renderReport(reports[0]!, [])).toThrow(RangeError));

describe.each(reports.map((report) => report.name))('%s', (name) => {
  test.each(inputs)('shows %s', (_name, results) => {
    const text = textOf(name, results).replace(pageScript, '');
    expect(found(text, /undefined|\bNaN\b|\[object/)).toBeUndefined();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is left is the point
    expect(found(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u202e]/)).toBeUndefined();
    expect(textOf(name, results).replace(pageScript, '') === text).toBe(true);
  });
});

test.each(['terminal', 'markdown', 'csv', 'json', 'html'])('%s names each case without a time', (name) => {
  // Markdown writes some characters of an id as escapes.
  const text = textOf(name, [small]).replace(/\\(?=[_*])/g, '');
  const troubles = small.measurements.filter((measurement) => measurement.status !== 'measured');
  expect(troubles.length).toBe(3);
  for (const { id, status } of troubles) {
    expect(text.includes(id), id).toBe(true);
    expect(text.toLowerCase().includes(status)).toBe(true);
  }
});

describe('SVG files', () => {
  test('are well-formed, have names of ours and need no style sheet', () => {
    for (const results of [[small], [fakeNetworkResult()], [hostileResult()]]) {
      const files = renderReport(reportNamed('svg')!, results, { resamples: 50 });
      if (typeof files === 'string') throw new Error('expected files');
      expect(files.length).toBeGreaterThan(2);
      for (const { name, text } of files) {
        expect(name).toMatch(/^[a-z0-9-]+\.svg$/);
        expect(text.includes('var(')).toBe(false);
        expect(found(text, /<(script|image|foreignObject|a)\b/i)).toBeUndefined();
        expect(text.includes('xmlns="http://www.w3.org/2000/svg"')).toBe(true);
        // Every angle bracket belongs to a tag: XML refuses others, in attributes too.
        expect(text.replace(/<[^<>]*>/g, '').match(/.{0,40}[<>].{0,40}/)?.[0]).toBeUndefined();
      }
    }
  });
});

describe('hostile text', () => {
  test('stays text in HTML', () => {
    const { document } = parseHTML(textOf('html', [hostileResult()]));
    expect(document.querySelectorAll('script').length).toBe(1);
    expect(document.querySelectorAll('a, img, iframe, link[href^=http]').length).toBe(0);
    for (const element of document.querySelectorAll('*')) {
      for (const { name } of element.attributes) expect(name).not.toMatch(/^on/);
    }
  });

  test('makes no link, mention, markup or column in Markdown', () => {
    const text = textOf('markdown', [hostileResult()]);
    expect(found(text, /<script|[^\\]\]\(|@all|http:\/\//)).toBeUndefined();
    const rows = text.split('\n').filter((line) => line.startsWith('| '));
    const columns = (row: string) => row.replace(/\\\|/g, '').split('|').length;
    let expected = 0;
    for (const [index, row] of text.split('\n').entries()) {
      if (!row.startsWith('|')) expected = 0;
      else if (expected === 0) expected = columns(row);
      else expect(columns(row), `line ${index + 1}`).toBe(expected);
    }
    expect(rows.length).toBeGreaterThan(5);
  });

  test('is no command in LaTeX', () => {
    const text = textOf('latex', [hostileResult()]);
    expect(found(text, /\\input/)).toBeUndefined();
    const commands = new Set(text.match(/\\[a-zA-Z]+/g));
    const ours = [
      'begin',
      'end',
      'caption',
      'toprule',
      'midrule',
      'bottomrule',
      'endhead',
      'usepackage',
      'noindent',
      'par',
    ];
    const escapes = [
      'textbackslash',
      'textasciitilde',
      'textasciicircum',
      'textless',
      'textgreater',
      'textbar',
      'textquotedbl',
    ];
    for (const command of commands) expect([...ours, ...escapes]).toContain(command.slice(1));
  });

  test('is no formula in CSV', () => {
    const hostile = {
      ...small,
      header: { ...small.header, machine: { ...small.header.machine, cpuBrand: '=HYPERLINK("x")' } },
    };
    const text = textOf('csv', [hostile]);
    for (const line of text.split('\r\n').slice(1, -1))
      expect(line.startsWith(`"'=HYPERLINK(""x"")",`)).toBe(true);
  });
});
