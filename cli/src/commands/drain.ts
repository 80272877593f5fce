import { clusterOptions, tokenOptions } from '../cluster/options.ts';
import { openContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { type ArgumentsOf, type CommandLine, endpoint, one, seconds, text } from '../options.ts';

export function addDrain(yargs: CommandLine): CommandLine {
  return yargs.command('drain <node>', 'Have others take what only one node has', options, drain);
}

const options = (yargs: CommandLine) =>
  tokenOptions(clusterOptions(yargs))
    .positional('node', {
      describe: 'the name of the node, as status shows it',
      type: 'string',
      demandOption: true,
      coerce: one('node', text),
    })
    .option('node-address', {
      describe: 'where it is reached, as HOST:PORT, if not where it says',
      type: 'string',
      coerce: one('node-address', endpoint),
    })
    .option('timeout', {
      describe: "seconds that it may take [default: the node's own]",
      type: 'string',
      coerce: one('timeout', seconds),
    })
    .example('$0 drain node-3', 'ends with 0 when node-3 can be switched off and nothing is lost');

async function drain(args: ArgumentsOf<typeof options>): Promise<void> {
  const { output } = await openContext(args);
  const [{ Services, messages }, { peer }, words] = await Promise.all([
    import('../cluster/services.ts'),
    import('@pixtorrent/contracts'),
    import('../output/words.ts'),
  ]);
  const services = await Services.open(args);
  const view = output.progress('draining');
  try {
    const nodes = await services.nodes();
    const node = nodes.find(({ name }) => name === args.node);
    if (node === undefined) {
      const known = nodes.map(({ name }) => name).join(', ') || 'none';
      throw new CliError('bad-input', `there is no node ${args.node}; there are: ${known}`);
    }
    const address = args.nodeAddress === undefined ? node.grpcAddress : words.hostAndPort(args.nodeAddress);
    const request = { timeoutMs: (args.timeout ?? 0) * 1000 };
    const client = await services.node(address);
    const stream = client.drain(request, services.authorization());
    let last: { solePieces: number; soleBytes: number; outcome: number } | undefined;
    let most = 0;
    for await (const message of messages(`node ${args.node} at ${address}`, stream)) {
      last = message;
      most = Math.max(most, message.soleBytes);
      const { solePieces, soleBytes, torrents } = message;
      output.event({ event: 'draining', node: args.node, solePieces, soleBytes, torrents });
      view.update(most - soleBytes, Math.max(1, most), `${words.bytes(soleBytes)} only there`);
    }
    view.end();
    const safe = last?.outcome === peer.DrainOutcome.DRAIN_OUTCOME_SAFE;
    output.event({ event: 'drained', node: args.node, safe });
    if (!safe) {
      const why =
        last?.outcome === peer.DrainOutcome.DRAIN_OUTCOME_ALONE
          ? 'no other node is there to take them'
          : 'time is up';
      throw new CliError(
        'not-whole',
        `do not switch ${args.node} off: no node that stays has ${words.counted(last?.solePieces ?? 0, 'piece')} of it, and ${why}`,
      );
    }
    output.print(`${args.node} can be switched off: everything it has is elsewhere too`);
  } finally {
    view.end();
    services.close();
  }
}
