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

/** Text for Markdown: nothing of it is a link, a mention, a table border or HTML. */
export function markdownText(text: string): string {
  return plainText(text)
    .replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]!)
    .replace(/[\\`*_{}[\]|~]/g, '\\$&')
    .replace(/#/g, '&#35;')
    .replace(/@/g, '&#64;')
    .replace(/:\/\//g, '&#58;//')
    .replace(/www\./gi, (match) => `${match.slice(0, -1)}&#46;`);
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
