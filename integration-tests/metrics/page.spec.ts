import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { makeContent, NodeSwarm } from '../peer-node/node-swarm.ts';
import { openPage } from '../support/browser.ts';
import { type MetricsService, startMetricsService } from '../support/metrics-service.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { focusOf, lowestContrast, mapOf, widthOf } from './page-probes.ts';
import { ReportedSwarm } from './reported-swarm.ts';

const HOST = '127.0.0.1';
const NAME = 'models/llama@1';

function originOf({ http }: MetricsService): string {
  return `http://${HOST}:${http}`;
}

/** The figure of a tile. */
function tile(page: Page, name: string) {
  return page.locator('.tiles > div', { has: page.getByText(name, { exact: true }) }).locator('.value');
}

async function shows(page: Page, name: string, value: string, seconds = 15): Promise<void> {
  await expect.poll(() => tile(page, name).textContent(), { timeout: seconds * 1000 }).toBe(value);
}

/** As WCAG 2 has it for text, level AA. */
async function legible(page: Page): Promise<void> {
  const { ratio, text } = await lowestContrast(page);
  expect(ratio, `of "${text}"`).toBeGreaterThanOrEqual(4.5);
}

async function small(scope: Scope, options: Partial<Parameters<typeof ReportedSwarm.start>[2]> = {}) {
  const service = await startMetricsService(scope);
  const swarm = await ReportedSwarm.start(scope, service.grpc, {
    nodes: 6,
    pieces: 60,
    zones: 2,
    name: NAME,
    ...options,
  });
  return { service, swarm };
}

describe.runIf(requirement('browser') && requirement('redis'))('the page of a swarm of real nodes', () => {
  it('shows pieces as they come, and again after a restart of the service', () =>
    scoped(async (scope) => {
      const metrics = await startMetricsService(scope);
      const PEER_METRICS = `${HOST}:${metrics.grpc}`;
      const { page, complaints, serviceIsAway } = await openPage(scope, originOf(metrics), '/');
      await expect.poll(() => page.locator('.empty').textContent()).toContain('No node reports a swarm yet');

      const swarm = await NodeSwarm.start(scope, 0);
      const ingest = await swarm.add({ env: { PEER_METRICS, PEER_ZONE: 'here' } });
      for (let n = 0; n < 2; n++)
        await swarm.add({ env: { PEER_METRICS, PEER_ZONE: 'there', PEER_DOWNLOAD_RATE: '1MiB' } });
      const source = await makeContent(scope, 'model', 8e6);
      const content = await swarm.publish(ingest, 'models/a', source, { pieceLength: 65_536 });
      await page.getByRole('link', { name: 'models/a@1' }).click();
      await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('models/a@1');
      expect(page.url()).toBe(`${originOf(metrics)}/#/swarms/models%2Fa%401`);

      const shares: number[] = [];
      const seen = async (): Promise<boolean> => {
        const rows = await mapOf(page);
        if (rows.length < 3) return false;
        const share = Math.min(...rows.map(({ have }) => have));
        if (share > (shares.at(-1) ?? 0)) shares.push(share);
        return share === 1;
      };
      await expect.poll(seen, { timeout: 40_000, interval: 200 }).toBe(true);
      // It filled in, and was not there all at once.
      expect(shares.length).toBeGreaterThan(2);
      await swarm.allHold(content, 20);
      await shows(page, 'Nodes whole', '3 of 3');
      await shows(page, 'Time left', 'done');
      expect(await page.locator('.nodes tbody tr').count()).toBe(3);

      serviceIsAway(true);
      metrics.process.signal('SIGKILL');
      await metrics.process.exit(10);
      const connection = page.getByRole('status');
      await expect.poll(() => connection.textContent()).toBe('not connected, trying again');
      expect(await tile(page, 'Nodes whole').textContent()).toBe('3 of 3');
      const again = await startMetricsService(scope, metrics);
      await expect.poll(() => connection.textContent()).toBe('live');
      serviceIsAway(false);
      await shows(page, 'Nodes whole', '3 of 3', 30);
      await swarm.leave(ingest);
      await shows(page, 'Nodes whole', '2 of 2');
      expect(await page.locator('.nodes tbody tr').count()).toBe(2);
      expect((await mapOf(page)).map(({ have }) => have)).toEqual([1, 1]);
      expect(complaints).toEqual([]);
      expect(again.http).toBe(metrics.http);
    }));
});

describe.runIf(requirement('browser'))('the page', () => {
  it('is worked by the keyboard alone, from the list to a sorted table and back', () =>
    scoped(async (scope) => {
      const { service, swarm } = await small(scope);
      await swarm.step(20);
      const { page, complaints } = await openPage(scope, originOf(service), '/');
      await page.getByRole('link', { name: NAME }).waitFor();
      const names: unknown[] = [];
      for (let n = 0; n < 3; n++) {
        await page.keyboard.press('Tab');
        const { text, outline } = await focusOf(page);
        expect(outline).toBe('solid');
        names.push(text);
      }
      expect(names).toEqual(['Skip to the content', 'PixTorrent', NAME]);
      await page.keyboard.press('Enter');
      await expect.poll(async () => (await focusOf(page)).text).toBe(NAME);
      await shows(page, 'Nodes whole', '1 of 6');

      const firsts = () => page.locator('.nodes tbody th').first().textContent();
      expect(await firsts()).toBe('node-1');
      while ((await focusOf(page)).text !== 'Has') await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await firsts()).toBe('seeder');
      const has = page.getByRole('columnheader', { name: 'Has', exact: true });
      expect(await has.getAttribute('aria-sort')).toBe('descending');
      await page.keyboard.press('Space');
      expect(await has.getAttribute('aria-sort')).toBe('ascending');
      expect(await firsts()).not.toBe('seeder');

      while ((await focusOf(page)).text !== 'Swarms') await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: NAME }).waitFor();
      expect(await page.title()).toBe('Swarms · PixTorrent');
      expect(complaints).toEqual([]);
    }));

  it('is read out: headings, a table, what pictures show, and warnings as they come', () =>
    scoped(async (scope) => {
      const { service, swarm } = await small(scope);
      const path = `/#/swarms/${encodeURIComponent(NAME)}`;
      const { page, complaints } = await openPage(scope, originOf(service), path);
      await shows(page, 'Nodes whole', '1 of 6');
      for (const name of ['Copies of each piece', 'Pieces of every node', 'Who sends to whom', 'Nodes'])
        await page.getByRole('heading', { level: 2, name, exact: true }).waitFor();
      await page
        .getByRole('img', { name: /^Pieces of every node: 6 nodes, 60 pieces each; 1 have all/ })
        .waitFor();
      await page
        .getByRole('img', { name: /^Copies of each piece: 0 pieces with nobody, 60 with one/ })
        .waitFor();
      await page.getByRole('table', { name: /^Nodes of the swarm/ }).waitFor();
      await swarm.stall(3);
      const warning = page.getByRole('region', { name: 'Warnings' });
      await expect.poll(() => warning.textContent()).toContain('node-3 wants data and gets none.');
      expect(await page.locator('[aria-live=polite]').last().textContent()).toContain('node-3 wants data');
      expect(await page.getByRole('row', { name: /^node-3 / }).textContent()).toContain('stalled');
      expect(complaints).toEqual([]);
    }));

  it('follows the scheme between light and dark, is readable in both, and keeps still where that is wanted', () =>
    scoped(async (scope) => {
      const { service, swarm } = await small(scope);
      for (let n = 0; n < 3; n++) await swarm.step(10);
      await swarm.stall(2);
      const path = `/#/swarms/${encodeURIComponent(NAME)}`;
      const { page, complaints } = await openPage(scope, originOf(service), path, { colorScheme: 'light' });
      await page.getByRole('region', { name: 'Warnings' }).waitFor();
      const light = await mapOf(page);
      await legible(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      await expect.poll(async () => (await mapOf(page))[0]!.none).not.toBe(light[0]!.none);
      expect((await mapOf(page)).map(({ have }) => have)).toEqual(light.map(({ have }) => have));
      await legible(page);

      await swarm.step(10);
      const offset = () => page.locator('.moving').getAttribute('stroke-dashoffset');
      await expect.poll(offset).toBe('-3.13');
      await expect.poll(offset).toBe('-7.83');
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      await expect.poll(offset).toBe(null);
      expect(complaints).toEqual([]);
    }));

  it('fits on a narrow screen', () =>
    scoped(async (scope) => {
      const { service } = await small(scope, {
        name: `a-name-that-is-longer-than-a-screen-is-wide/${'x'.repeat(80)}@1`,
      });
      const viewport = { width: 360, height: 740 };
      const { page } = await openPage(scope, originOf(service), '/', { viewport });
      await page.locator('.swarms a').click();
      await shows(page, 'Nodes whole', '1 of 6');
      expect(await widthOf(page)).toBeLessThanOrEqual(360);
    }));

  it('takes names for text, whatever they are', () =>
    scoped(async (scope) => {
      const name = '<img src=x onerror=alert(1)>/"&amp;%2F#?@1';
      const { service } = await small(scope, { name });
      const { page, complaints } = await openPage(scope, originOf(service), '/');
      await page.getByRole('link', { name, exact: true }).click();
      await shows(page, 'Nodes whole', '1 of 6');
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(name);
      expect(await page.locator('main img').count()).toBe(0);
      expect(complaints).toEqual([]);
    }));

  it('shows 200 nodes of 2,000 pieces, each as it is', () =>
    scoped(async (scope) => {
      const { service, swarm } = await small(scope, { nodes: 200, pieces: 2000, zones: 4 });
      for (let n = 0; n < 3; n++) await swarm.step(200);
      const path = `/#/swarms/${encodeURIComponent(NAME)}`;
      const { page, complaints } = await openPage(scope, originOf(service), path);
      const expected = () =>
        swarm.nodes
          .map(({ name, zone, count }) => ({ name, zone, count }))
          .sort(
            (a, b) => a.zone.localeCompare(b.zone) || a.name.localeCompare(b.name, 'en', { numeric: true }),
          )
          .map(({ count }) => expect.closeTo(count / 2000, 1));
      await expect.poll(async () => (await mapOf(page)).map(({ have }) => have)).toEqual(expected());
      while (!swarm.isWhole) await swarm.step(200);
      await shows(page, 'Nodes whole', '200 of 200');
      await expect.poll(async () => (await mapOf(page)).map(({ have }) => have)).toEqual(Array(200).fill(1));
      expect(await page.locator('.nodes tbody tr').count()).toBe(200);
      expect(complaints).toEqual([]);
    }));
});
