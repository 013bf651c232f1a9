/** What GitHub's renderer makes of escaped text: the text again, and nothing else. micromark is CommonMark with GFM. */
import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import { renderComparison } from '../src/report/comparison/index.ts';
import { viewOfComparison } from '../src/report/comparison/view.ts';
import { markdownLine, markdownText, plainText } from '../src/report/escape.ts';
import { judge } from '../src/result/compare.ts';
import { fakeComparison } from './fake-comparison.ts';

const htmlOf = (markdown: string): string =>
  micromark(markdown, {
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
    allowDangerousHtml: true,
    allowDangerousProtocol: true,
  });

/** Text of HTML as a reader sees it, references resolved. */
const textOf = (html: string): string =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name]!);

/**
 * What GitHub's filters look for in the text of the HTML: mentions, issues, commits, addresses.
 * https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
 */
const references = [
  /@[\w-]/,
  /#\d/,
  /\bGH-\d/i,
  /(?<![\da-z])[\da-f]{7,}(?![\da-z])/i,
  /:\/\//,
  /\bwww\./i,
  /(mailto|xmpp):[^\u200b]/i,
  /[\w.+-]+@[\w-]/,
];

const nasty = [
  ...['@all', '@a/b', 'a@b.example', 'mailto:a@b.example', 'xmpp:a@b.example', 'www.evil.example', 'WWW.a.b'],
  ...[
    'http://evil.example',
    'https://x.y/?a=b',
    'ftp://x.y',
    '<http://x.y>',
    '<a@b.c>',
    '[x](http://y)',
    '![x](y)',
  ],
  ...[
    'GH-123',
    'gh-7',
    '#1',
    'owner/repo#12',
    'owner/repo@0123456',
    'deadbeef',
    '0123456789abcdef0123456789abcdef01234567',
  ],
  ...[
    '# x',
    '## ',
    '- x',
    '+ x',
    '* x',
    '1. x',
    '12) x',
    '> x',
    '---',
    '===',
    '***',
    '~~~',
    '```',
    '    x',
    '\t',
    '- [ ] x',
  ],
  ...[
    '<b>',
    '<script>',
    '</details>',
    '<!-- ',
    '-->',
    '&lt;',
    '&#64;',
    '&commat;',
    '&colon;',
    '&',
    '`',
    '``',
    '|',
    '\\',
    '\\|',
  ],
  ...[
    '*a*',
    '_a_',
    '__a__',
    '~a~',
    '~~a~~',
    '$x$',
    '$$',
    '{',
    '}',
    '[',
    ']',
    '[^1]',
    '[^1]: x',
    '[a]: http://x',
    ':--',
    ' ',
    '  ',
  ],
  ...['\n', '\r\n', '\u200b', '\u202e', '\u2028', '!', ':', '/', '.', 'x', '7'],
] as const;
const text = fc
  .array(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 8 })
  .map((parts) => parts.join(''));

/** Fails where GitHub would make something of it. */
function harmless(html: string, tags: RegExp, given: string): void {
  expect(html.replace(tags, ''), given).not.toMatch(/<|>/);
  for (const pattern of references) expect(textOf(html), given).not.toMatch(pattern);
}
const shown = (html: string): string =>
  textOf(html)
    .replace(/\u200b/g, '')
    .replace(/\s+/g, ' ')
    .trim();
const meant = (given: string): string => plainText(given).replace(/\s+/g, ' ').trim();

describe('escaped text', () => {
  it('is itself in a paragraph, and no block of another kind', () => {
    const holds = (given: string): void => {
      const html = htmlOf(markdownLine(given));
      harmless(html, /<\/?p>/g, given);
      expect(shown(html)).toBe(meant(given));
    };
    for (const given of nasty) holds(given);
    fc.assert(fc.property(text, holds), { seed: 1, numRuns: 600 });
  });

  it('is one list item, one heading, one bold line', () => {
    const holds = (given: string): void => {
      harmless(htmlOf(`- ${markdownLine(given)}`), /<\/?(ul|li)>/g, given);
      const heading = htmlOf(`### ${markdownText(given)}`);
      harmless(heading, /<\/?h3>/g, given);
      expect(shown(heading)).toBe(meant(given));
      harmless(htmlOf(`x **${markdownLine(given)}**`), /<\/?(p|strong)>/g, given);
    };
    for (const given of nasty) holds(given);
    fc.assert(fc.property(text, holds), { seed: 2, numRuns: 300 });
  });

  it('is one cell of a table', () => {
    const tags = /<\/?(table|thead|tbody|tr|th|td)( align="left")?>/g;
    const holds = (given: string): void => {
      const html = htmlOf(`| a | b |\n| :--- | :--- |\n| ${markdownText(given)} | end |`);
      harmless(html, tags, given);
      const cells = [...html.matchAll(/<td align="left">([\s\S]*?)<\/td>/g)].map(([, inner]) =>
        shown(inner!),
      );
      expect(cells, given).toEqual([meant(given), 'end']);
    };
    for (const given of nasty) holds(given);
    fc.assert(fc.property(text, holds), { seed: 3, numRuns: 300 });
  });

  it('makes nothing of a comparison whose every name is hostile', () => {
    fc.assert(
      fc.property(
        text.filter((name) => name !== ''),
        (name) => {
          const comparison = fakeComparison(
            [
              { ratio: 1.2, attempts: 2 },
              { status: 'missing', reason: name },
            ],
            {
              kernel: name,
              label: name,
            },
          );
          const html = htmlOf(renderComparison('markdown', viewOfComparison(comparison, judge(comparison))));
          const tags =
            /<\/?(p|strong|h3|ul|li|table|thead|tbody|tr|details|summary|(th|td)( align="(left|right)")?)>/g;
          harmless(html, tags, name);
          // The blocks are those of a comment about good names.
          expect(html.match(/<(h3|table|ul|details)>/g)).toEqual([
            '<h3>',
            '<table>',
            '<details>',
            '<ul>',
            '<h3>',
            '<table>',
          ]);
        },
      ),
      { seed: 4, numRuns: 25 },
    );
  });
});
