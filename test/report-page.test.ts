/// <reference lib="dom" />
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { estimateCommand } from '../src/command/estimate.ts';
import { frontPage } from '../src/report/estimates/front.ts';
import { historyPage } from '../src/report/history.ts';
import { renderReport, reportNamed } from '../src/report/index.ts';
import { readResult } from '../src/result/result.ts';
import type { HistorySeries, Result } from '../src/terms.ts';
import { fakeNetworkResult, fakeResult, hostileResult, hostileText } from './fakes.ts';

const executablePath = process.env.SPARSEMARK_CHROMIUM ?? '/usr/bin/chromium';
const present = existsSync(executablePath);
if (!present) {
  process.stderr.write(
    `SKIPPED: the page was not opened, no Chromium at ${executablePath} (SPARSEMARK_CHROMIUM names another).\n`,
  );
}

let browser: Browser;
let folder: string;
beforeAll(async () => {
  if (!present) return;
  folder = mkdtempSync(join(tmpdir(), 'sparsemark-page-'));
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
  });
});
afterAll(async () => {
  if (!present) return;
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens the page of some results; collects what it asks the network for and what goes wrong. */
function open(name: string, results: readonly Result[], options: BrowserContextOptions = {}) {
  return openText(name, renderReport(reportNamed('html')!, results, { resamples: 50 }) as string, options);
}

/** The same with a page as text. */
async function openText(name: string, html: string, options: BrowserContextOptions = {}) {
  const file = join(folder, `${name}.html`);
  writeFileSync(file, html);
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('dialog', (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const url = pathToFileURL(file).href;
  await page.goto(url, { waitUntil: 'load' });
  return {
    page,
    others: () => requests.filter((request) => request !== url && request !== 'data:,'),
    errors,
  };
}

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

/** Texts of SVG that leave their picture, or lie on another text of it. */
const badLabels = (page: Page) =>
  page.evaluate(() => {
    const bad: string[] = [];
    for (const svg of document.querySelectorAll('svg.chart')) {
      const frame = svg.getBoundingClientRect();
      const name = svg.getAttribute('aria-label');
      const boxes = [...svg.querySelectorAll('text')]
        .filter((text) => text.textContent !== '')
        .map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
      for (const [i, { text, box }] of boxes.entries()) {
        if (
          box.left < frame.left - 1 ||
          box.right > frame.right + 1 ||
          box.top < frame.top - 1 ||
          box.bottom > frame.bottom + 1
        ) {
          bad.push(`${name}: "${text}" is cut`);
        }
        for (const other of boxes.slice(i + 1)) {
          const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
          const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
          // Line boxes are taller than letters: a little overlap of boxes is none of ink.
          if (across > 1 && down > 4) bad.push(`${name}: "${text}" on "${other.text}"`);
        }
      }
    }
    return bad;
  });

/** The estimates of the suite quick on some accelerators, or on all. */
async function estimatesOf(name: string, accelerator: readonly string[] | null): Promise<Result> {
  const out = join(folder, `${name}.jsonl`);
  const silent = { result: () => {}, say: () => {}, redraw: () => {}, isTerminal: false, color: false };
  const asked = accelerator === null ? { all: true } : { accelerator };
  const wide = { ...silent, lineWidth: 79, width: 400 };
  await estimateCommand('quick', { ...asked, activations: 0.4, out }, wide, '');
  return readResult(out);
}

/** A series of some commits whose level changes at `changes`, up by a tenth each time. */
function seriesOf(id: string, commits: number, changes: readonly number[]): HistorySeries {
  const levelAt = (i: number): number => 1.1 ** changes.filter((at) => at <= i).length;
  return {
    id,
    anchor: 'a'.repeat(64),
    points: Array.from({ length: commits }, (_, i) => ({
      commit: (i * 7919 + 1).toString(16).padStart(40, 'f'),
      startedAt: new Date(Date.parse('2026-01-01T00:00:00Z') + i * 86_400_000).toISOString(),
      ratio: levelAt(i) * (1 + 0.01 * Math.sin(i * i)),
      interval: null,
    })),
    changes: changes.map((index) => ({
      index,
      before: Math.log(levelAt(index - 1)),
      after: Math.log(levelAt(index)),
      interval: [0.09, 0.1],
      pValue: 1e-6,
    })),
  };
}

describe.skipIf(!present)('the page of a history in Chromium', () => {
  test.each([1200, 400])('is whole at %i px: labels, requests, errors, width', async (width) => {
    const series = [
      seriesOf('spmm-f32-512x512x128-hot/uniform-d0.10-s1/csr-avx512-t1', 120, [20, 26, 31, 90]),
      seriesOf('spmm-f32-512x512x128-hot/uniform-d0.20-s1/csr-avx512-t1', 400, [5, 395]),
      seriesOf('one commit', 1, []),
      seriesOf('two commits', 2, []),
      seriesOf(hostileText, 30, []),
    ];
    const html = historyPage({ suite: 'quick', machine: 'abc', series, commits: 400 });
    const { page, others, errors } = await openText('history', html, { viewport: { width, height: 900 } });
    expect(await page.locator('svg.chart').count()).toBe(5);
    expect(await page.locator('.answer').textContent()).toMatch(/^6 changes in 400 commits/);
    expect(await badLabels(page)).toEqual([]);
    expect(others()).toEqual([]);
    expect(errors).toEqual([]);
    const size = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    expect(size[0]).toBeLessThanOrEqual(size[1]!);
    await page.context().close();
  });
});

describe.skipIf(!present)('the page in Chromium', () => {
  test.each<[string, () => readonly Result[]]>([
    ['quick', () => [fakeResult()]],
    ['network', () => [fakeNetworkResult()]],
    ['machines', () => [fakeResult(), fakeNetworkResult()]],
    ['hostile', () => [hostileResult()]],
  ])('%s loads without a request and without an error', async (name, results) => {
    const { page, others, errors } = await open(name, results());
    expect(await page.locator('.answer').first().textContent()).toMatch(/^On this /);
    expect(await page.locator('svg.chart').count()).toBeGreaterThan(3);
    expect(others()).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test.each([1200, 400])(
    'labels of charts are whole and do not lie on each other at %i px',
    async (width) => {
      for (const [name, results] of [
        ['quick', [fakeResult()]],
        ['network', [fakeNetworkResult()]],
        [
          'many densities',
          [
            fakeResult({
              shapes: [{ m: 512, k: 512, n: 128 }],
              densities: [0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5],
            }),
          ],
        ],
      ] as const) {
        const { page } = await open(name, results, { viewport: { width, height: 900 } });
        expect(await badLabels(page)).toEqual([]);
        await page.context().close();
      }
    },
  );

  test.each([1200, 400])(
    'labels of estimates are whole too, of one, six or all accelerators, at %i px',
    async (width) => {
      const shape = { shapes: [{ m: 512, k: 512, n: 128 }] };
      const run = fakeResult({ ...shape, densities: [0.05, 0.1, 0.3, 0.5, 0.7] });
      const six = ['eie', 'scnn', 'sigma', 'cambricon-x', 'dual-side-tensor-core', 'eyeriss-v2'];
      for (const [name, accelerators, measured] of [
        ['one', ['eie'], []],
        ['six', six, [run]],
        ['all', null, [run, fakeNetworkResult()]],
      ] as const) {
        const { page, errors } = await open(
          name,
          [...measured, await estimatesOf(`${name}-${width}`, accelerators)],
          {
            viewport: { width, height: 900 },
          },
        );
        expect(await badLabels(page), name).toEqual([]);
        expect(errors).toEqual([]);
        await page.context().close();
      }
    },
  );

  test.each([1200, 400])('labels of a front of designs are whole at %i px', async (width) => {
    const picture = { title: 'Designs', costLabel: 'energy, uJ' };
    const design = (timeUs: number, cost: number) => ({ timeUs, cost, label: `pes ${cost}, fifoDepth 12` });
    for (const points of [
      [design(582, 7516), design(584, 4987), design(695, 3282), design(975, 2183), design(5954, 797)],
      [design(100, 1001), design(101, 1000)],
      [design(1, 1e7), design(1e6, 2)],
      [design(3, 3)],
    ]) {
      const table = { title: 'The designs', columns: [], rows: [] };
      const text = frontPage({ ...picture, points }, table, ['A sentence.']);
      const { page } = await openText('front', text, { viewport: { width, height: 900 } });
      expect(await badLabels(page), JSON.stringify(points)).toEqual([]);
      await page.context().close();
    }
  });

  test('a narrow window has no horizontal scroll bar', async () => {
    for (const results of [
      [fakeResult()],
      [fakeNetworkResult()],
      [hostileResult()],
      [fakeResult(), fakeNetworkResult()],
    ]) {
      const { page } = await open('narrow', results, { viewport: { width: 400, height: 800 } });
      const size = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      expect(size[0]).toBeLessThanOrEqual(size[1]!);
      await page.context().close();
    }
  });

  test('light and dark differ and text contrasts in both', async () => {
    const shades: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open(colorScheme, [fakeResult()], { colorScheme });
      shades.push(await background(page));
      const worst = await page.evaluate(() => {
        const light = (color: string) => {
          const [r, g, b] = (color.match(/[\d.]+/g) ?? []).map((part) => {
            const share = Number(part) / 255;
            return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
        };
        const paper = light(getComputedStyle(document.body).backgroundColor);
        const elements = document.querySelectorAll('p, td, th, h1, h2, dd, figcaption, small');
        return Math.min(
          ...[...elements].map((element) => {
            const ink = light(getComputedStyle(element).color);
            return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
          }),
        );
      });
      // 4.5 to 1 is what WCAG 2.1 asks of small text.
      expect(worst).toBeGreaterThan(4.5);
      await page.context().close();
    }
    expect(shades[0]).not.toBe(shades[1]);
  });

  test('a click sorts by value, a second one the other way, and the filter hides rows', async () => {
    const { page } = await open('sort', [fakeResult()]);
    const section = page.locator('section', { has: page.getByRole('heading', { name: 'Every kernel' }) });
    const head = section.getByRole('columnheader', { name: /speed-up/ });
    const values = () =>
      section
        .locator('tbody tr td:nth-child(6)')
        .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute('data-value'))));
    const before = await values();
    await head.click();
    const up = await values();
    expect(up).toEqual([...before].sort((a, b) => a - b));
    expect(await head.getAttribute('aria-sort')).toBe('ascending');
    await head.click();
    expect(await values()).toEqual(up.reverse());
    await section.getByRole('searchbox').fill('bsr 95');
    const shown = await section.locator('tbody tr:visible').allInnerTexts();
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.length).toBeLessThan(before.length);
    for (const row of shown) expect(row).toMatch(/bsr/);
    await page.context().close();
  });

  test('every column of the large table is seen at 1200 px', async () => {
    const result = fakeResult();
    const workloads = result.workloads.map((each) =>
      each.pattern.label === 'uniform'
        ? { ...each, pattern: { ...each.pattern, label: 'dlmc-like-transformer-magnitude' } }
        : each,
    );
    const { page } = await open('columns', [{ ...result, workloads }]);
    const section = page.locator('section', { has: page.getByRole('heading', { name: 'Every kernel' }) });
    const [wide, room] = await section
      .locator('.wide')
      .evaluate((element) => [element.scrollWidth, element.clientWidth]);
    expect(wide).toBeLessThanOrEqual(room!);
    const heads = await section.getByRole('columnheader').allInnerTexts();
    expect(heads[0]).toMatch(/^op/);
    expect(heads.at(-1)).toMatch(/^interval/);
    await page.context().close();
  });

  test('a number and its per cent sign are not parted in the sentence', async () => {
    const { page } = await open('percent', [fakeResult()]);
    const sentence = await page.locator('.answer').textContent();
    expect(sentence).toMatch(/\d\u00a0%/);
    expect(sentence).not.toMatch(/\d %/);
    await page.context().close();
  });

  test('SVG files of hostile text are well-formed pictures', async () => {
    const files = renderReport(reportNamed('svg')!, [hostileResult()], { resamples: 50 });
    if (typeof files === 'string') throw new Error('expected files');
    const context = await browser.newContext();
    const page = await context.newPage();
    for (const { name, text } of files) {
      const root = await page.evaluate((source) => {
        const parsed = new DOMParser().parseFromString(source, 'image/svg+xml');
        return parsed.querySelector('parsererror')?.textContent ?? parsed.documentElement.nodeName;
      }, text);
      expect(root, name).toBe('svg');
    }
    await context.close();
  });
});
