import { imageOf } from '../support/images.ts';
import { isReady, type Namespace, scriptPod } from '../support/kubernetes.ts';
import { until } from '../support/processes.ts';
import { FULL_NAME } from './release.ts';

/** In a pod: announces over a new connection each time, until it is signalled; prints how many, and what failed. */
const ANNOUNCE = `
const { get } = require('node:http');
const url = process.argv[1] + '/announce?info_hash=' + 'a'.repeat(20) + '&peer_id=' + 'b'.repeat(20)
  + '&port=6881&uploaded=0&downloaded=0&left=1&compact=1';
const failures = [];
let announces = 0;
let going = true;
process.on('SIGUSR2', () => { going = false; });
const announce = () => new Promise((done) => {
  const request = get(url, { agent: false, timeout: 10_000 }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part));
    answer.on('end', () => {
      const text = Buffer.concat(parts).toString('latin1');
      done(/^d8:complete/.test(text) ? undefined : answer.statusCode + ' ' + text.slice(0, 80));
    });
  });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  request.on('error', (error) => done(error.message));
});
(async () => {
  while (going) {
    const failure = await announce();
    announces++;
    if (failure !== undefined) failures.push(new Date().toISOString() + ' ' + failure);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  console.log(JSON.stringify({ announces, failures: failures.slice(0, 20) }));
})();
`;

export interface Announced {
  readonly announces: number;
  readonly failures: readonly string[];
}

/** A client in the cluster that announces some 40 times a second. */
export class Announcer {
  readonly #namespace: Namespace;
  readonly #name: string;

  private constructor(namespace: Namespace, name: string) {
    this.#namespace = namespace;
    this.#name = name;
  }

  static async start(namespace: Namespace, name = 'announcer'): Promise<Announcer> {
    const url = `http://${FULL_NAME}-tracker:6969`;
    const labels = { app: name, [`${FULL_NAME}-client`]: 'true' };
    await namespace.apply(scriptPod(name, imageOf('cli'), [ANNOUNCE, url], labels));
    await until(
      60,
      async () => (await namespace.pods(`app=${name}`)).find(isReady),
      () => new Error('the announcer did not start'),
    );
    return new Announcer(namespace, name);
  }

  async stop(): Promise<Announced> {
    await this.#namespace.node(this.#name, "process.kill(1, 'SIGUSR2')");
    await until(
      30,
      async () =>
        (await this.#namespace.pods(`app=${this.#name}`)).find(({ status }) => status.phase === 'Succeeded'),
      () => new Error('the announcer did not end'),
    );
    const said = await this.#namespace.kubectl(['logs', this.#name]);
    await this.#namespace.kubectl(['delete', 'pod', this.#name]);
    return JSON.parse(said);
  }
}
