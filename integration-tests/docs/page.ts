import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Of one page of Markdown: what it points to, and what can be pointed to in it. */
export interface Page {
  /** Relative to the root of the repository. */
  readonly path: string;
  /** Those within the repository, as they stand there. */
  readonly links: readonly string[];
  /** As GitHub makes them of headings. */
  readonly anchors: ReadonlySet<string>;
  /** What is in its fenced blocks and between backticks. */
  readonly code: readonly string[];
}

const FENCED = /^```.*\n([\s\S]*?)^```$/gm;
const LINK = /\]\(([^)\s]+)\)/g;
const IMAGE = /\b(?:src|srcset|href)="([^"]+)"/g;

/** @param root of the repository @param path relative to it */
export function readPage(root: string, path: string): Page {
  const text = readFileSync(join(root, path), 'utf8');
  const prose = text.replace(FENCED, '');
  const spans = /`([^`\n]+)`/g;
  return {
    path,
    links: [...matches(prose.replace(spans, ''), LINK), ...matches(prose, IMAGE)].filter(
      (link) => !/^[a-z]+:/.test(link),
    ),
    anchors: anchorsOf(prose),
    code: [...matches(text, FENCED), ...matches(prose, spans)],
  };
}

/** Links that lead nowhere, as `PAGE: LINK`. */
export function brokenLinks(root: string, pages: readonly Page[]): string[] {
  const anchors = new Map(pages.map((page) => [page.path, page.anchors]));
  return pages.flatMap(({ path, links }) =>
    links
      .filter((link) => {
        const [file = '', anchor] = link.split('#');
        const target = file ? join(dirname(path), file) : path;
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && !anchors.get(target)?.has(anchor);
      })
      .map((link) => `${path}: ${link}`),
  );
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found!);
}

function anchorsOf(prose: string): Set<string> {
  const anchors = new Set<string>();
  for (const heading of matches(prose, /^#{1,6} (.+)$/gm)) {
    const plain = heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = plain;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${plain}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}
