/** Text of a result file made harmless for each output. Files are untrusted; every report escapes all of it. */

/** Control characters, marks that turn or hide text (bidirectional overrides, zero width), line separators. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line of printable text: no escape sequence reaches a terminal. */
export function plainText(text: string): string {
  return text.replace(unprintable, '?');
}

/** Text for HTML, attribute values in quotes included. */
export function htmlText(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return plainText(text).replace(/[&<>"']/g, (character) => entities[character]!);
}

/** A space of no width. `plainText` lets none of another's through, so each in a report was put there by us. */
const pause = '&#8203;';

/**
 * Text within a line of Markdown: nothing of it is a link, a mention, a reference, a table border, a formula or HTML.
 * GitHub looks for mentions and references in what the renderer has made, where an escaped `@` is an `@` again: only
 * something between it and the name keeps them apart. Dependabot and Renovate use the same character.
 */
export function markdownText(text: string): string {
  const marks: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    $: '&#36;',
    '#': `&#35;${pause}`,
    '@': `&#64;${pause}`,
  };
  return (
    plainText(text)
      // A number of a commit is a reference from seven digits on.
      .replace(/(?<![0-9a-z])[0-9a-f]{7,}(?![0-9a-z])/gi, (digits) =>
        digits.replace(/.{6}(?=.)/g, '$&\u200b'),
      )
      .replace(/(?<![0-9a-z])(gh-)(?=\d)/gi, '$1\u200b')
      .replace(/(www)(?=\.)/gi, '$1\u200b')
      .replace(/:(?=\/\/)|(?<=mailto|xmpp):/gi, ':\u200b')
      .replace(/[\\`*_{}[\]|~]/g, '\\$&')
      .replace(/[&<>$#@]/g, (character) => marks[character]!)
      .replace(/\u200b/g, pause)
  );
}

/** `markdownText` at the beginning of a block: nothing of it is a list, a heading, a rule or code either. */
export function markdownLine(text: string): string {
  return markdownText(plainText(text).replace(/^ +/, ''))
    .replace(/^[-+=:]/, '\\$&')
    .replace(/^(\d+)([.)])/, '$1\\$2');
}

/** Text for LaTeX. Characters outside ASCII stay: the preamble needs UTF-8, which is LaTeX's default. */
export function latexText(text: string): string {
  const commands: Record<string, string> = {
    '\\': '\\textbackslash{}',
    '~': '\\textasciitilde{}',
    '^': '\\textasciicircum{}',
    '<': '\\textless{}',
    '>': '\\textgreater{}',
    '|': '\\textbar{}',
    '"': '\\textquotedbl{}',
  };
  return plainText(text).replace(
    /[\\~^<>|"&%$#_{}]/g,
    (character) => commands[character] ?? `\\${character}`,
  );
}

/**
 * A field of a CSV file (RFC 4180). Text that a spreadsheet would take for a formula gets an apostrophe before it;
 * numbers are passed as numbers and stay.
 */
export function csvField(value: string | number | boolean | null): string {
  if (value === null) return '';
  if (typeof value !== 'string') return Number.isNaN(value) ? '' : `${value}`;
  const plain = plainText(value);
  const safe = /^\s*[=+\-@]/.test(plain) ? `'${plain}` : plain;
  return /[",]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
