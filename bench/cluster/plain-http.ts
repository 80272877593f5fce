import { imageOf } from '../../integration-tests/support/images.ts';
import { isReady, type Namespace, scriptPod } from '../../integration-tests/support/kubernetes.ts';
import { until } from '../../integration-tests/support/processes.ts';
import { type Arrival, PROCESS, type Run, SECONDS } from './run.ts';

const SERVER = 'http-server';
const READER = 'http-reader';
const PORT = 8080;

/**
 * In a pod: a file by HTTP, out of memory, so that it costs what the kernel takes and hardly more. Its bytes follow from
 * its name, as `writeFileOf` has it. With a rate all readers share it, 256 KiB in turn.
 */
const SERVE = `
const { createCipheriv, createHash } = require('node:crypto');
const [name, size, rate, port] = process.argv.slice(1);
const key = createHash('sha256').update(name).digest().subarray(0, 16);
const content = Buffer.alloc(Number(size));
const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
for (let at = 0; at < content.length; at += 4 << 20)
  cipher.update(content.subarray(at, at + (4 << 20))).copy(content, at);

const SLICE = 256 << 10;
const readers = [];
let budget = 0;
let last = performance.now();
function give() {
  const now = performance.now();
  budget = Math.min(budget + ((now - last) / 1000) * rate, rate / 4);
  last = now;
  for (let busy = 0; budget > 0 && busy < readers.length; ) {
    const reader = readers.shift();
    if (reader.answer.destroyed) continue;
    if (reader.answer.writableNeedDrain) {
      busy++;
      readers.push(reader);
      continue;
    }
    busy = 0;
    const part = content.subarray(reader.at, reader.at + SLICE);
    reader.at += part.length;
    budget -= part.length;
    reader.answer.write(part);
    if (reader.at < content.length) readers.push(reader);
    else reader.answer.end();
  }
}
if (Number(rate) > 0) setInterval(give, 5);

require('node:http').createServer((_, answer) => {
  answer.writeHead(200, { 'content-length': content.length });
  if (Number(rate) > 0) readers.push({ answer: answer.on('drain', give), at: 0 });
  else answer.end(content);
}).listen(Number(port), () => console.log('listening'));
`;

/** In a pod: gets a URL into a file, prints when it had started and when it was done, and what the file's digest is. */
const READ = `
${PROCESS}
const { createReadStream, createWriteStream } = require('node:fs');
const { pipeline } = require('node:stream/promises');
require('node:http').get(process.argv[1], async (answer) => {
  if (answer.statusCode !== 200) throw new Error('status ' + answer.statusCode);
  await pipeline(answer, createWriteStream('/scratch/content.bin', { highWaterMark: 1 << 20 }));
  const complete = Date.now();
  const account = processOfPod();
  const hash = require('node:crypto').createHash('sha256');
  await pipeline(createReadStream('/scratch/content.bin', { highWaterMark: 4 << 20 }), hash);
  console.log(JSON.stringify({ ...account, complete, digest: hash.digest('hex') }));
});
`;

/** A pod with a file, and pods that fetch it. */
export class PlainHttp {
  readonly #namespace: Namespace;
  readonly #url: string;
  readonly #size: number;

  private constructor(namespace: Namespace, url: string, size: number) {
    this.#namespace = namespace;
    this.#url = url;
    this.#size = size;
  }

  /** @param name as `writeFileOf` takes it @param rate of all that it sends, bytes a second; 0 for any */
  static async start(namespace: Namespace, name: string, size: number, rate: number): Promise<PlainHttp> {
    const args = [name, String(size), String(rate), String(PORT)];
    await namespace.apply(scriptPod(SERVER, imageOf('cli'), [SERVE, ...args], { app: SERVER }));
    const pod = await until(
      120,
      async () => {
        const ready = (await namespace.pods(`app=${SERVER}`)).find(isReady);
        const isListening = ready && (await namespace.kubectl(['logs', SERVER])).includes('listening');
        return isListening ? ready : undefined;
      },
      () => new Error('the HTTP server did not start'),
      500,
    );
    return new PlainHttp(namespace, `http://${pod.status.podIP}:${PORT}/`, size);
  }

  /** Has so many pods start at once, waits until each has the file, and has them go. */
  async run(count: number): Promise<Run> {
    const names = Array.from({ length: count }, (_, at) => `${READER}-${at + 1}`);
    const items = names.map((name) => scriptPod(name, imageOf('cli'), [READ, this.#url], { app: READER }));
    const asked = Date.now();
    await this.#namespace.apply({ apiVersion: 'v1', kind: 'List', items });
    const pods = names.map((name) => `pod/${name}`);
    const deadline = [`--timeout=${SECONDS}s`];
    await this.#namespace.kubectl(
      ['wait', '--for=jsonpath={.status.phase}=Succeeded', ...pods, ...deadline],
      { seconds: SECONDS },
    );
    const arrivals = await Promise.all(
      names.map(async (name): Promise<Arrival> => JSON.parse(await this.#namespace.kubectl(['logs', name]))),
    );
    await this.#namespace.kubectl(['delete', ...pods, ...deadline], { seconds: SECONDS });
    return { asked, arrivals, sourceSent: count * this.#size };
  }
}
