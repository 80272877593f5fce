import { existsSync, readFileSync } from 'node:fs';
import { run } from './processes.ts';
import type { Scope } from './scope.ts';

const PREFIX = 'pixtorrent-';
let networks = 0;

/** One machine of a test network: a network namespace with one interface, a default route and a loopback. */
export interface Host {
  readonly address: string;
  /** The words to put before a command, so that it runs there. It keeps its process ID. */
  readonly enter: readonly string[];
  /** What its interface has carried so far. */
  traffic(): Promise<Traffic>;
}

/** Bytes on the wire, headers included. */
export interface Traffic {
  readonly sent: number;
  readonly received: number;
}

export interface NetworkOptions {
  readonly hosts: number;
  /** What each host can send, bits per second; a token bucket as the kernel's `tbf`. @default unlimited */
  readonly uplink?: number;
}

/**
 * Hosts around one bridge, which is their gateway too: real clients want a default route, and refuse loopback peers.
 * The names hold the process ID: only what was made here is removed, or by a process that is no more.
 */
export async function network(scope: Scope, options: NetworkOptions): Promise<readonly Host[]> {
  await removeOrphans();
  const id = `${PREFIX}${process.pid}-${networks++}`;
  const subnet = `10.${100 + (networks % 100)}.0`;
  const hub = `${id}-hub`;
  await addNamespace(scope, hub);
  await run(ip(hub, 'link add hub type bridge'));
  await run(ip(hub, `addr add ${subnet}.1/24 dev hub`));
  await run(ip(hub, 'link set hub up'));
  const hosts: Host[] = [];
  for (let i = 0; i < options.hosts; i++) {
    hosts.push(
      await addHost(scope, hub, `${id}-${i}`, i, `${subnet}.${i + 10}`, `${subnet}.1`, options.uplink),
    );
  }
  return hosts;
}

async function addHost(
  scope: Scope,
  hub: string,
  name: string,
  index: number,
  address: string,
  gateway: string,
  uplink?: number,
): Promise<Host> {
  await addNamespace(scope, name);
  await run(ip(hub, `link add port${index} type veth peer name eth0 netns ${name}`));
  await run(ip(hub, `link set port${index} master hub up`));
  await run(ip(name, `addr add ${address}/24 dev eth0`));
  await run(ip(name, 'link set eth0 up'));
  await run(ip(name, 'link set lo up'));
  await run(ip(name, `route add default via ${gateway}`));
  const enter = ['ip', 'netns', 'exec', name];
  if (uplink !== undefined) {
    const shape = `tc qdisc add dev eth0 root tbf rate ${uplink}bit burst 256kb latency 50ms`;
    await run([...enter, ...shape.split(' ')]);
  }
  return {
    address,
    enter,
    traffic: async () => parseTraffic(await run([...enter, 'cat', '/proc/net/dev']), 'eth0'),
  };
}

async function removeOrphans(): Promise<void> {
  for (const line of (await run(['ip', 'netns', 'list'])).split('\n')) {
    const [name, pid] = /^pixtorrent-(\d+)-\S+/.exec(line) ?? [];
    if (name !== undefined && !existsSync(`/proc/${pid}`)) await run(['ip', 'netns', 'del', name]);
  }
}

async function addNamespace(scope: Scope, name: string): Promise<void> {
  await run(['ip', 'netns', 'add', name]);
  scope.defer(() => run(['ip', 'netns', 'del', name]));
}

function ip(namespace: string, command: string): string[] {
  return ['ip', '-n', namespace, ...command.split(' ')];
}

/** What an interface in the namespace of a running process has carried; costs one small read. */
export function trafficSeenBy(pid: number, device: string): Traffic {
  return parseTraffic(readFileSync(`/proc/${pid}/net/dev`, 'latin1'), device);
}

function parseTraffic(table: string, device: string): Traffic {
  const row = table.split('\n').find((line) => line.trimStart().startsWith(`${device}:`));
  if (row === undefined) throw new Error(`no interface ${device}`);
  const fields = row
    .slice(row.indexOf(':') + 1)
    .trim()
    .split(/\s+/)
    .map(Number);
  return { received: fields[0]!, sent: fields[8]! };
}
