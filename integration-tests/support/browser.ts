import { type BrowserContextOptions, type Page as BrowserPage, chromium } from 'playwright-core';
import type { Scope } from './scope.ts';

/** A page in Debian's Chromium, and what it complained of. */
export interface OpenedPage {
  readonly page: BrowserPage;
  /** Errors of the console, exceptions, and requests to elsewhere than where it came from. */
  readonly complaints: readonly string[];
  /** Has the browser say in the console what it cannot load: that is no complaint while the service is away. */
  serviceIsAway(isAway: boolean): void;
}

/** @param origin of the service, the only one that may be asked for anything */
export async function openPage(
  scope: Scope,
  origin: string,
  path: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  scope.defer(() => browser.close());
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  let isAway = false;
  page.on('console', (message) => {
    const isExpected = isAway && message.text().startsWith('Failed to load resource: net::');
    if (message.type() === 'error' && !isExpected) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`asks ${request.url()}`);
  });
  await page.goto(`${origin}${path}`);
  return {
    page,
    complaints,
    serviceIsAway(now) {
      isAway = now;
    },
  };
}
