import { clusterOptions, tokenOptions } from '../cluster/options.ts';
import { openContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { type ArgumentsOf, type CommandLine, endpoint, many, one, size, text } from '../options.ts';

export function addPublish(yargs: CommandLine): CommandLine {
  return yargs.command('publish [path]', 'Put a file or folder on the nodes of a cluster', options, publish);
}

const options = (yargs: CommandLine) =>
  tokenOptions(clusterOptions(yargs))
    .positional('path', { describe: 'the file or folder', type: 'string' })
    .option('from', {
      describe: 'an http or https URL that a node fetches it from, in place of a path',
      type: 'string',
      coerce: one('from', text),
    })
    .option('name', {
      describe: 'what the cluster is to call it; the same name again makes a new version',
      type: 'string',
      demandOption: true,
      coerce: one('name', text),
    })
    .option('replicas', {
      describe: 'how many nodes are to hold it: all, or a number',
      type: 'string',
      default: 'all',
      coerce: one('replicas', replicas),
    })
    .option('label', {
      describe: 'KEY=VALUE to keep with it; may be given more than once',
      type: 'string',
      array: true,
      default: [],
      coerce: many('label', label),
    })
    .option('piece-length', {
      describe: 'bytes in a piece, a power of two [default: by the size]',
      type: 'string',
      coerce: one('piece-length', size),
    })
    .option('node', {
      describe: 'the node to give it to [default: one that is to hold it, with the most room]',
      type: 'string',
      coerce: one('node', text),
    })
    .option('node-address', {
      describe: 'where that node is reached, as HOST:PORT, if not where it says',
      type: 'string',
      coerce: one('node-address', endpoint),
    })
    .option('wait', {
      describe: 'end when every node that is to hold it has all of it',
      type: 'boolean',
      default: false,
    })
    .example('$0 publish ./llama-70b --name llama-70b', 'to every node')
    .example('$0 publish model.bin --name team/model --replicas 3 --wait', 'to three, and waits for them')
    .example('$0 publish --from https://models.example/m.bin --name m', 'fetched by a node');

function replicas(value: string): 'all' | number {
  if (value === 'all') return 'all';
  if (/^\d{1,9}$/.test(value) && Number(value) > 0) return Number(value);
  throw new CliError('usage', `--replicas ${value}: give all, or a number from 1`);
}

function label(value: string): readonly [string, string] {
  const equals = value.indexOf('=');
  if (equals > 0) return [value.slice(0, equals), value.slice(equals + 1)];
  throw new CliError('usage', `--label ${value}: give KEY=VALUE`);
}

async function publish(args: ArgumentsOf<typeof options>): Promise<void> {
  const { path, from, name, label: labels, pieceLength = 0 } = args;
  if ((path === undefined) === (from === undefined))
    throw new CliError('usage', 'give a path or --from URL, and not both; see pixtorrent publish --help');
  const { output } = await openContext(args);
  const [{ Services, messages }, { chooseNode }, { openLocal, upload }, { waitForAll }, words] =
    await Promise.all([
      import('../cluster/services.ts'),
      import('../cluster/choose-node.ts'),
      import('../cluster/upload.ts'),
      import('../cluster/wait.ts'),
      import('../output/words.ts'),
    ]);
  const local = path === undefined ? undefined : await openLocal(path);
  const services = await Services.open(args);
  const view = output.progress('publishing');
  try {
    const chosen = chooseNode(await services.nodes(), { name, replicas: args.replicas }, args.node);
    const { nodeAddress } = args;
    const node = {
      name: chosen.name,
      grpcAddress: nodeAddress === undefined ? chosen.grpcAddress : words.hostAndPort(nodeAddress),
    };
    const publication = {
      name,
      replicas: args.replicas === 'all' ? 0 : args.replicas,
      labels: Object.fromEntries(labels),
      pieceLength,
    };
    let published: Awaited<ReturnType<typeof upload>> | undefined;
    if (local !== undefined) {
      const note = `${words.bytes(local.size)} to ${node.name}`;
      published = await upload(services, node, publication, local, (done) =>
        view.update(done, local.size, note),
      );
    } else {
      const client = await services.node(node.grpcAddress);
      const stream = client.ingest(
        { publication, source: { $case: 'url', url: from! } },
        services.authorization(),
      );
      for await (const { event } of messages(`node ${node.name} at ${node.grpcAddress}`, stream)) {
        if (event?.$case === 'progress') {
          const { done, size: total } = event.progress;
          view.update(done, Math.max(total, done), `${words.bytes(done)} to ${node.name}`);
        } else if (event?.$case === 'published') published = event.published;
      }
    }
    view.end();
    if (published === undefined)
      throw new CliError('unreachable', `node ${node.name} ended without an answer`);
    const { version, size: bytes, unchanged } = published;
    const infoHash = published.infoHash.toString('hex');
    output.event({ event: 'published', name, version, infoHash, size: bytes, unchanged, node: node.name });
    const what = `${name}@${version}`;
    output.print(unchanged ? `${what} has this content already` : `published ${what}, ${words.bytes(bytes)}`);
    if (args.wait) await waitForAll(services, { name, version }, output);
    else output.note(`pixtorrent status ${name} --watch shows how it spreads`);
  } finally {
    view.end();
    services.close();
  }
}
