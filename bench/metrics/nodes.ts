/** Nodes that report for as long as this runs: `nodes.ts HOST:PORT SIMULATION`. */
import { setTimeout as pause } from 'node:timers/promises';
import { SimulatedNode, type Simulation } from './simulated-node.ts';

/** Milliseconds between two reports of a node. */
const PERIOD = 2000;

const [address, text] = process.argv.slice(2) as [string, string];
const simulation = JSON.parse(text) as Simulation;
const nodes: SimulatedNode[] = [];
const fail = (error: Error): void => {
  console.log(`failed: ${error.message}`);
  process.exit(1);
};
for (let number = 0; number < simulation.nodes; number++) {
  nodes.push(new SimulatedNode(address, number, simulation, fail));
  nodes.at(-1)!.report();
  // They come within ten seconds, as those of a cluster that is rolled out do.
  await pause(10_000 / simulation.nodes);
}
console.log('all report');
for (let started = performance.now(); ; started += PERIOD)
  for (const [n, node] of nodes.entries()) {
    const wait = started + (n * PERIOD) / nodes.length - performance.now();
    if (wait > 1) await pause(wait);
    node.report();
  }
