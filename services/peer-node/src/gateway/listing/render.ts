import type { OutgoingHttpHeaders } from 'node:http';
import type { ListedItem, Listing } from './listing.ts';

export interface Rendered {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** @param accept the header of that name @param format of the query, which counts more */
export function render(listing: Listing, accept: string | undefined, format: string | null): Rendered {
  const json = format === 'json' || (format !== 'html' && !/text\/html/i.test(accept ?? ''));
  const body = Buffer.from(json ? asJson(listing) : asHtml(listing));
  return {
    body,
    headers: {
      'content-type': json ? 'application/json' : 'text/html; charset=utf-8',
      'content-length': body.length,
      'x-content-type-options': 'nosniff',
      vary: 'accept',
      ...(!json && { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" }),
    },
  };
}

function asJson({ title, items, next }: Listing): string {
  return `${JSON.stringify({ path: title, items, ...(next && { next }) }, undefined, 1)}\n`;
}

function asHtml({ title, items, next }: Listing): string {
  const rows = items.map(
    (item) =>
      `<tr><td><a href="${escaped(linkTo(item))}">${escaped(labelOf(item))}</a><td class=n>${item.size ?? ''}`,
  );
  return [
    '<!doctype html><meta charset=utf-8>',
    `<title>/${escaped(title)}</title>`,
    '<style>body{font-family:sans-serif}td{padding-right:2em}.n{text-align:right;font-variant-numeric:tabular-nums}</style>',
    `<h1>/${escaped(title)}</h1>`,
    '<table>',
    '<tr><td><a href="../">../</a><td>',
    ...rows,
    '</table>',
    ...(next === undefined ? [] : [`<p><a href="${escaped(next)}">more</a>`]),
    '',
  ].join('\n');
}

/** Relative, and with nothing in it that could be taken for a scheme. */
function linkTo({ name, type }: ListedItem): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `./${path}${type === 'file' ? '' : '/'}`;
}

function labelOf({ name, type, version }: ListedItem): string {
  if (type === 'file') return name;
  return type === 'folder' ? `${name}/` : `${name} @${version}`;
}

function escaped(text: string): string {
  return text.toWellFormed().replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
