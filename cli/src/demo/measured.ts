import type { Output } from '../output/output.ts';
import { percent } from '../output/progress.ts';
import { binaryBytes, bytes, counted, good, perSecond, strong } from '../output/words.ts';
import type { Reading } from './reading.ts';

/** What a demonstration found out. Bytes and seconds. */
export interface Measured {
  readonly size: number;
  /** That it took to give it to the seeder and to publish it. */
  readonly publishSeconds: number;
  /** From its publication to the last node that was whole. */
  readonly seconds: number;
  /** Of each node. */
  readonly nodeSeconds: readonly number[];
  readonly sentBySeeder: number;
  readonly reading: Reading;
  /** Of every node's file, and of the source. */
  readonly sha256: string;
}

export function tell(measured: Measured, output: Output): void {
  const { size, publishSeconds, seconds, nodeSeconds, sentBySeeder, reading, sha256 } = measured;
  const nodes = nodeSeconds.length;
  const rate = (nodes * size) / seconds;
  const seederCopies = sentBySeeder / size;
  const slowestToMedian = Math.max(...nodeSeconds) / median(nodeSeconds);
  output.event({
    event: 'demo',
    nodes,
    size,
    seconds: rounded(seconds),
    rate: Math.round(rate),
    nodeSeconds: nodeSeconds.map(rounded),
    seederCopies: rounded(seederCopies),
    slowestToMedian: rounded(slowestToMedian),
    publishSeconds: rounded(publishSeconds),
    firstByteSeconds: rounded(reading.firstByte),
    sha256,
  });
  output.print('');
  output.print(
    `${strong('published')}   in ${publishSeconds.toFixed(2)} s, ${perSecond(size / publishSeconds)} into the seeder`,
  );
  output.print(
    `${strong('delivered')}   ${binaryBytes(size)} to ${counted(nodes, 'node')} in ${seconds.toFixed(2)} s`,
  );
  output.print(`${strong('throughput')}  ${perSecond(rate)}, all nodes together`);
  for (const [index, time] of nodeSeconds.entries()) {
    const title = index === 0 ? strong('nodes'.padEnd(11)) : ' '.repeat(11);
    output.print(`${title} node ${index + 1}: ${time.toFixed(2)} s, ${perSecond(size / time)}`);
  }
  output.print(`${strong('slowest')}     ${slowestToMedian.toFixed(2)} times the median`);
  output.print(
    `${strong('seeder')}      sent the content ${seederCopies.toFixed(2)} times (${bytes(sentBySeeder)}); ` +
      `without sharing it would be ${nodes}`,
  );
  output.print(
    `${strong('reading')}     ${binaryBytes(reading.length)} over HTTP from ${reading.node}, which ` +
      `had ${percent(reading.have, size)} then: first byte after ${Math.round(reading.firstByte * 1000)} ms`,
  );
  output.print(
    `${strong('checked')}     ${good('every file equals the source')}, SHA-256 ${sha256.slice(0, 16)}…`,
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
