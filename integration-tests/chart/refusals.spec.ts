import { expect, it } from 'vitest';
import { CHART, helm } from '../support/helm.ts';

/** What helm says of values that are wrong. */
async function refusal(...set: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await helm(
    'template',
    'swarm',
    CHART,
    ...set.flatMap((one) => ['--set', one]),
  );
  expect([code, stdout]).toEqual([1, '']);
  return stderr;
}

it.each<[string, string, RegExp]>([
  ['a key that is none', 'tracker.replica=3', /at '\/tracker': additional properties 'replica' not allowed/],
  ['such a key at the top', 'peernode.replicas=3', /additional properties 'peernode' not allowed/],
  ['a setting that is none', 'peerNode.settings.PEER_SCRUBRATE=1MiB', /'PEER_SCRUBRATE' not allowed/],
  [
    'a setting that the chart sees to',
    'tracker.settings.TRACKER_STORE=memory',
    /'TRACKER_STORE' not allowed/,
  ],
  ['a word for a number', 'peerNode.replicas=three', /'\/peerNode\/replicas': got string, want integer/],
  ['a number for a switch', 'tls.enabled=1', /'\/tls\/enabled': got number, want boolean/],
  [
    'a kind that is none',
    'peerNode.kind=Deployment',
    /'\/peerNode\/kind': value must be one of 'StatefulSet', 'DaemonSet'/,
  ],
  ['no trackers', 'tracker.replicas=0', /'\/tracker\/replicas': minimum: got 0, want 1/],
  ['a size that is none', 'peerNode.storage.size=20GB', /'\/peerNode\/storage\/size': '20GB' does not match/],
  ['a token that can be guessed', 'auth.tokens={secret}', /'\/auth\/tokens\/0': 'secret' does not match/],
  ['a password in a URL', 'redis.external.url=redis://u:p@redis', /'\/redis\/external\/url'/],
  [
    'resources that are none',
    'metrics.resources.limits.memory=much',
    /'\/metrics\/resources\/limits\/memory'/,
  ],
])('%s is refused by the schema', async (_, set, message) => {
  expect(await refusal(set)).toMatch(message);
});

const DAEMONSET = 'peerNode.kind=DaemonSet';
const EMPTY_DIR = 'peerNode.storage.type=emptyDir';

it.each<[string, readonly string[], string]>([
  ['a DaemonSet with claims', [DAEMONSET], 'set it to hostPath or emptyDir, or peerNode.kind to StatefulSet'],
  [
    'a DaemonSet that grows with its load',
    [DAEMONSET, EMPTY_DIR, 'peerNode.autoscaling.enabled=true'],
    'set it to false, or peerNode.kind to StatefulSet',
  ],
  [
    'a folder of the machine for several nodes',
    ['peerNode.storage.type=hostPath'],
    'set peerNode.kind to DaemonSet, or the type to volumeClaim or emptyDir',
  ],
  [
    'a least number above the greatest',
    ['tracker.autoscaling.enabled=true', 'tracker.autoscaling.minReplicas=9'],
    'tracker.autoscaling.minReplicas is more than maxReplicas: lower it, or raise maxReplicas',
  ],
  [
    'an Ingress without a host',
    ['peerNode.ingress.enabled=true'],
    'peerNode.ingress.enabled is true, and there are no hosts: name one in peerNode.ingress.hosts',
  ],
  [
    'several trackers without Redis',
    ['redis.mode=none'],
    'set tracker.replicas to 1 and tracker.autoscaling.enabled to false, or redis.mode to internal or external',
  ],
  [
    'an external Redis that is nowhere',
    ['redis.mode=external'],
    '0 of redis.external.url, sentinels and cluster are set',
  ],
  [
    'an external Redis in two places',
    ['redis.mode=external', 'redis.external.url=redis://a', 'redis.external.cluster={b}'],
    '2 of redis.external.url, sentinels and cluster are set: set one of them',
  ],
  [
    'an external Redis beside our own',
    ['redis.external.url=redis://a'],
    'redis.mode is internal: set redis.mode to external',
  ],
  [
    'the password of sentinels from nowhere',
    ['redis.mode=external', 'redis.external.sentinels={a}', 'redis.external.sentinelPasswordKey=k'],
    'name that in redis.external.existingSecret',
  ],
  [
    'two passwords of Redis',
    ['redis.auth.password=secret', 'redis.auth.existingSecret=a'],
    'redis.auth.password and redis.auth.existingSecret are both set: leave one of them out',
  ],
  [
    'tokens from two places',
    ['auth.tokens={a-token-of-sixteen}', 'auth.existingSecret=a'],
    'auth.tokens and auth.existingSecret are both set: leave one of them out',
  ],
  [
    'TLS without certificates',
    ['tls.enabled=true'],
    'set tls.certManager.enabled, or name a secret in tls.existingSecret',
  ],
  [
    'certificates from two places',
    ['tls.enabled=true', 'tls.certManager.enabled=true', 'tls.existingSecret=a'],
    'tls.certManager.enabled and tls.existingSecret are both set: leave one of them out',
  ],
  ['certificates without TLS', ['tls.existingSecret=a'], 'tls.enabled is false: set it to true, or leave'],
])('%s is refused with what to change', async (_, set, sentence) => {
  expect(await refusal(...set)).toContain(sentence);
});

it('all that contradicts itself is told at once', async () => {
  const told = await refusal('redis.mode=none', 'tls.enabled=true', DAEMONSET);
  expect(told.match(/^- .+: .+$/gm)).toHaveLength(3);
});
