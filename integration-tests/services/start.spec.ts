import { expect, it } from 'vitest';
import { startPeerNode } from '../support/peer-node.ts';
import { scoped } from '../support/scope.ts';
import { startTrackerService } from '../support/tracker-service.ts';

it('is told at once, and why, of a service that does not start', () =>
  scoped(async (scope) => {
    await expect(startTrackerService(scope, { env: { TRACKER_STORE: 'nowhere' } })).rejects.toThrow(
      /ended \(exit code 2\) before ready.*TRACKER_STORE/s,
    );
    const node = startPeerNode(scope, { tracker: { grpc: 1 }, env: { PEER_PORT: 'none' } });
    await expect(node).rejects.toThrow(/ended \(exit code 2\) before ready.*PEER_PORT/s);
  }));
