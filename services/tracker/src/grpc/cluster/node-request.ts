import { type ClusterNode, type Holding, Holdings, type NodeState } from '@pixtorrent/cluster';
import { cluster as wire } from '@pixtorrent/contracts';
import { ID_LENGTH, infoHash } from '@pixtorrent/core';
import { type FieldViolation, InvalidArgument } from '@pixtorrent/service-kit';

const MAX_HOLDINGS = 10_000;
/** Bytes of a zone and of a machine. */
const MAX_PLACE = 63;
/** Wrong holdings that are named; a node that has more has them all wrong. */
const MAX_NAMED = 20;

const NAME = /^[a-z0-9.-]{1,253}$/;
const ADDRESS = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?):([1-9]\d{0,4})$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * A node as it says that it is, checked.
 * @param since milliseconds since 1970, for one that does not say when its life began
 * @throws InvalidArgument with everything that is wrong
 */
export function nodeAskedFor(message: wire.Node | undefined, since: number): ClusterNode {
  if (message === undefined) throw new InvalidArgument([{ field: 'node', description: 'is missing' }]);
  const fields: FieldViolation[] = [];
  const add = (field: string, description: string | undefined): void => {
    if (description !== undefined) fields.push({ field: `node.${field}`, description });
  };
  const { name, zone, machine, grpcAddress, httpAddress, peerAddress, diskBudget, diskUsed } = message;
  add('name', NAME.test(name) ? undefined : 'has to be 1 to 253 characters of a-z, 0-9, "-" and "."');
  const state = stateOf(message.state);
  if (state === undefined) add('state', 'has to be one of STARTING, READY and DRAINING');
  add('zone', placeFault(zone));
  add('machine', placeFault(machine));
  add('grpc_address', grpcAddress === '' ? undefined : addressFault(grpcAddress));
  add('http_address', httpAddress === '' ? undefined : addressFault(httpAddress));
  add('peer_address', addressFault(peerAddress));
  for (const { field, description } of holdingFaults(message.holdings)) add(field, description);
  if (fields.length > 0) throw new InvalidArgument(fields);
  return {
    ...{ name, state: state!, zone, machine, grpcAddress, httpAddress, peerAddress, diskBudget, diskUsed },
    since: message.sinceMs === 0 ? since : message.sinceMs,
    holdings: Holdings.of(message.holdings.map(holdingOf)),
  };
}

function holdingOf(holding: wire.Holding): Holding {
  return { ...holding, infoHash: infoHash(holding.infoHash) };
}

function stateOf(state: wire.NodeState): NodeState | undefined {
  switch (state) {
    case wire.NodeState.NODE_STATE_STARTING:
      return 'starting';
    case wire.NodeState.NODE_STATE_READY:
      return 'ready';
    case wire.NodeState.NODE_STATE_DRAINING:
      return 'draining';
    default:
      return undefined;
  }
}

function placeFault(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_PLACE) return `has ${bytes} bytes, at most ${MAX_PLACE} are allowed`;
  return CONTROL.test(text) ? 'has control characters in it' : undefined;
}

function addressFault(address: string): string | undefined {
  const port = ADDRESS.exec(address)?.[1];
  return port !== undefined && Number(port) < 65_536 ? undefined : 'has to be HOST:PORT';
}

function holdingFaults(holdings: readonly wire.Holding[]): FieldViolation[] {
  if (holdings.length > MAX_HOLDINGS)
    return [
      { field: 'holdings', description: `are ${holdings.length}, at most ${MAX_HOLDINGS} are allowed` },
    ];
  const faults: FieldViolation[] = [];
  const seen = new Set<string>();
  for (const [i, { infoHash: bytes, have, size }] of holdings.entries()) {
    if (faults.length >= MAX_NAMED) break;
    const add = (field: string, description: string): void => {
      faults.push({ field: `holdings[${i}].${field}`, description });
    };
    const hash = bytes.toString('latin1');
    if (bytes.length !== ID_LENGTH) add('info_hash', `has ${bytes.length} bytes, 20 are needed`);
    else if (seen.has(hash)) add('info_hash', 'is there twice');
    if (have > size) add('have', `is ${have}, more than the size of ${size}`);
    seen.add(hash);
  }
  return faults;
}
