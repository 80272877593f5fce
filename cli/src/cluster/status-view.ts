import { setTimeout as pause } from 'node:timers/promises';
import type { cluster } from '@pixtorrent/contracts';
import { printable } from '@pixtorrent/core';
import { createLogUpdate } from 'log-update';
import { CliError } from '../errors.ts';
import { interrupted } from '../interrupt.ts';
import type { OutputEvent } from '../output/ndjson.ts';
import type { Output } from '../output/output.ts';
import { percent } from '../output/progress.ts';
import { bytes, counted, good, perSecond, strong } from '../output/words.ts';
import { type RollOut, stateOf } from './roll-out.ts';
import { table } from './table.ts';

/** Milliseconds between two looks. */
const PERIOD = 1000;
/** Looks in a row that may fail before it is given up. */
const PATIENCE = 30;
const BAR = 20;
/** Characters of a rate: columns that change their width are hard to follow. */
const RATE = 9;

/** @param stale whether the content is as it is remembered only */
export function statusEvent(
  nodes: readonly cluster.Node[],
  all: readonly RollOut[],
  stale: boolean,
): OutputEvent {
  return {
    event: 'status',
    stale,
    nodes: nodes.map((node) => ({
      name: node.name,
      state: stateOf(node),
      zone: node.zone,
      diskUsed: node.diskUsed,
      diskBudget: node.diskBudget,
      downRate: sum(node, 'downRate'),
      upRate: sum(node, 'upRate'),
      torrents: node.holdings.length,
    })),
    content: all.map(({ shares, ...rollOut }) => ({ ...rollOut, nodes: shares })),
  };
}

/** @param name that was asked for; all content where it is missing */
export function clusterLines(
  nodes: readonly cluster.Node[],
  all: readonly RollOut[],
  name: string | undefined,
): string[] {
  if (name === undefined) return [...nodeLines(nodes), '', ...contentLines(all)];
  const [rollOut] = all;
  if (rollOut === undefined)
    throw new CliError(
      'bad-input',
      `the cluster holds nothing named ${printable(name)}; pixtorrent ls lists all`,
    );
  return rollOutLines(rollOut, nodes);
}

function nodeLines(nodes: readonly cluster.Node[]): string[] {
  if (nodes.length === 0) return ['no node is there'];
  const rows = nodes.map((node) => [
    printable(node.name),
    stateOf(node),
    printable(node.zone) || '-',
    `${bytes(node.diskUsed)} of ${bytes(node.diskBudget)}`,
    rate(sum(node, 'downRate')),
    rate(sum(node, 'upRate')),
  ]);
  return table([['NODE', 'STATE', 'ZONE', 'DISK', 'DOWN', 'UP'].map(strong), ...rows], new Set([3, 4, 5]));
}

function contentLines(all: readonly RollOut[]): string[] {
  if (all.length === 0) return ['no content; pixtorrent publish PATH --name NAME adds some'];
  const rows = all.map(({ name, version, size, whole, wanted, completion, availability }) => [
    `${printable(name)}@${version}`,
    bytes(size),
    bar(completion),
    `${whole}/${wanted.length}`,
    `${availability}`,
  ]);
  const head = ['CONTENT', 'SIZE', 'COMPLETION', 'WHOLE ON', 'AVAILABILITY'].map(strong);
  return table([head, ...rows], new Set([1, 3, 4]));
}

function rollOutLines(rollOut: RollOut, nodes: readonly cluster.Node[]): string[] {
  const { name, version, size, wanted, whole, completion, shares, availability } = rollOut;
  const missing = wanted.filter((node) => !shares.some((share) => share.node === node));
  const states = new Map(nodes.map((node) => [node.name, stateOf(node)]));
  const rows = shares.map(({ node, have, downRate, upRate, peers }) => [
    printable(node),
    states.get(node) ?? '-',
    bar(have / size),
    rate(downRate),
    rate(upRate),
    `${peers}`,
  ]);
  for (const node of missing) rows.push([printable(node), states.get(node) ?? '-', bar(0), '-', '-', '-']);
  const head = ['NODE', 'STATE', 'COMPLETION', 'DOWN', 'UP', 'PEERS'].map(strong);
  return [
    `${strong(`${printable(name)}@${version}`)}  ${bytes(size)}, whole on ${whole} of ${counted(wanted.length, 'node')} that should hold it`,
    `${bar(completion)}, availability ${availability}`,
    '',
    ...table([head, ...rows], new Set([3, 4, 5])),
  ];
}

function bar(part: number): string {
  const filled = Math.floor(part * BAR);
  const text = '█'.repeat(filled) + '░'.repeat(BAR - filled);
  return `${part >= 1 ? good(text) : text} ${percent(Math.floor(part * 1000), 1000).padStart(4)}`;
}

function rate(bytesPerSecond: number): string {
  return perSecond(bytesPerSecond).padStart(RATE);
}

function sum(node: cluster.Node, what: 'downRate' | 'upRate'): number {
  return node.holdings.reduce((total, holding) => total + holding[what], 0);
}

/**
 * Shows what `look` finds again and again, in place on a terminal.
 * @throws CliError; `interrupted` on Ctrl-C
 */
export async function showLive(look: () => Promise<string[]>, output: Output): Promise<never> {
  const screen = createLogUpdate(process.stdout);
  const inPlace = !output.json && process.stdout.isTTY;
  let failures = 0;
  try {
    for (;;) {
      interrupted.throwIfAborted();
      try {
        const lines = await look();
        failures = 0;
        if (inPlace) screen(lines.slice(0, Math.max(1, (process.stdout.rows ?? 50) - 1)).join('\n'));
        else for (const line of [...lines, '']) output.print(line);
      } catch (error) {
        // A tracker that is rolled, or a line that is down for a moment, is no reason to stop looking.
        const passing = error instanceof CliError && error.code === 'unreachable';
        if (!passing || ++failures > PATIENCE) throw error;
        output.note(error.message);
      }
      await pause(PERIOD, undefined, { signal: interrupted }).catch(() => {});
    }
  } finally {
    if (inPlace) screen.done();
  }
}
