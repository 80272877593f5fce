import cliProgress from 'cli-progress';
import { percent } from '../output/progress.ts';
import { counted, perSecond } from '../output/words.ts';
import type { SwarmNode } from './swarm-node.ts';

/** How often it is drawn anew, milliseconds. */
const PERIOD = 1000;

/**
 * Shows how far each node is until the returned function is called: a bar a node on a terminal, a line a second
 * elsewhere, nothing with `json`.
 */
export function showBoard(nodes: readonly SwarmNode[], size: number, json: boolean): () => void {
  if (json) return () => {};
  return process.stderr.isTTY ? showBars(nodes, size) : showLines(nodes, size);
}

function showBars(nodes: readonly SwarmNode[], size: number): () => void {
  const board = new cliProgress.MultiBar({
    format: '{name} {bar} {percentage}% {rate} {peers}',
    stream: process.stderr,
    hideCursor: true,
    barsize: 32,
    barCompleteChar: '█',
    barIncompleteChar: '░',
  });
  const bars = nodes.map((node) => board.create(size, 0, describe(node)));
  const draw = (): void => {
    for (const [index, bar] of bars.entries())
      bar.update(nodes[index]!.figures.have, describe(nodes[index]!));
  };
  const timer = setInterval(draw, PERIOD / 5);
  return () => {
    clearInterval(timer);
    draw();
    board.stop();
  };
}

function describe(node: SwarmNode): { name: string; rate: string; peers: string } {
  const { downRate, upRate, peers } = node.figures;
  const rate = `${perSecond(downRate).padStart(9)} down ${perSecond(upRate).padStart(9)} up`;
  return { name: node.name, rate, peers: counted(peers, 'peer') };
}

function showLines(nodes: readonly SwarmNode[], size: number): () => void {
  const timer = setInterval(() => {
    const parts = nodes.map((node) => `${node.name} ${percent(node.figures.have, size)}`);
    const rate = nodes.reduce((sum, node) => sum + node.figures.downRate, 0);
    process.stderr.write(`${parts.join(', ')}; ${perSecond(rate)} together\n`);
  }, PERIOD);
  return () => clearInterval(timer);
}
