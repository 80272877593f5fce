/** What each library may import of the others. Anything that is not listed is refused. */
const layers = {
  core: [],
  bencode: ['core'],
  metainfo: ['bencode', 'core'],
  'peer-protocol': ['bencode', 'core'],
  'tracker-protocol': ['bencode', 'core'],
  dht: ['bencode', 'core'],
  contracts: [],
  redis: ['core'],
  catalog: ['redis', 'metainfo', 'core'],
  cluster: ['redis', 'core'],
  'swarm-health': ['core'],
  tracker: ['tracker-protocol', 'core'],
  engine: ['metainfo', 'peer-protocol', 'core'],
  'node-io': ['engine', 'metainfo', 'peer-protocol', 'tracker-protocol', 'bencode', 'core'],
  client: [
    'node-io',
    'engine',
    'metainfo',
    'peer-protocol',
    'tracker-protocol',
    'contracts',
    'bencode',
    'core',
  ],
  'service-kit': ['core'],
};

const tests = '[.]spec[.]ts$';
const anyOf = (names) => `(?:${names.join('|')})`;

const layerRules = Object.entries(layers).map(([library, allowed]) => ({
  name: `layer-${library}`,
  comment: `${library} may import ${allowed.join(', ') || 'nothing'} of this project.`,
  severity: 'error',
  from: { path: `^libs/${library}/`, pathNot: tests },
  to: {
    path: '^(?:libs|services|cli|bench|integration-tests)/',
    pathNot: `^libs/${anyOf([library, ...allowed])}/`,
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...layerRules,
    {
      name: 'core-imports-nothing',
      comment: 'core stands alone. Only the random port may reach for entropy, to make a peer ID.',
      severity: 'error',
      from: { path: '^libs/core/', pathNot: tests },
      to: { pathNot: ['^libs/core/', '^crypto$'] },
    },
    {
      name: 'test-across-layers',
      comment: 'A test may use the test kit beside what its library may use, and nothing above it.',
      severity: 'error',
      from: { path: `^libs/${anyOf(Object.keys(layers))}/.*${tests}` },
      to: { path: '^(?:services|cli|bench|integration-tests)/' },
    },
    {
      name: 'machine-behind-ports',
      comment: 'Sockets, files and threads are reached through ports; their adapters live in node-io.',
      severity: 'error',
      from: {
        path: '^libs/',
        pathNot: [
          tests,
          '/fixtures/',
          '^libs/(?:node-io|service-kit|testkit)/',
          '^libs/tracker/src/frontends/',
        ],
      },
      to: {
        dependencyTypes: ['core'],
        path: '^(?:net|tls|dgram|dns|fs|http|https|http2|worker_threads|child_process|cluster)(?:/|$)',
      },
    },
    {
      name: 'nest-in-services',
      severity: 'error',
      from: { pathNot: '^(?:libs/service-kit|services)/' },
      to: { path: '(?:^|/)@nestjs/' },
    },
    {
      name: 'services-apart',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'libraries-by-name',
      comment: 'A package is imported by its name, never by a path into its sources.',
      severity: 'error',
      from: { path: '^((?:libs|services)/[^/]+|cli)/' },
      to: {
        path: '^(?:libs|services|cli)/',
        pathNot: '^$1/',
        dependencyTypes: ['local'],
        dependencyTypesNot: ['aliased-workspace'],
      },
    },
    {
      name: 'tools-by-name',
      comment:
        "A port's suite is no part of its package, and is run by whoever has an implementation to show.",
      severity: 'error',
      from: { path: '^(?:bench|integration-tests)/' },
      to: {
        path: '^(?:libs|services|cli)/',
        pathNot: ['[.]suite[.]ts$', '/suite/'],
        dependencyTypes: ['local'],
        dependencyTypesNot: ['aliased-workspace'],
      },
    },
    {
      name: 'testkit-in-tests',
      severity: 'error',
      from: { path: '^(?:libs|services|cli)/', pathNot: [tests, '^libs/testkit/'] },
      to: { path: '^libs/testkit/' },
    },
    {
      name: 'nothing-imports-a-test',
      severity: 'error',
      from: {},
      to: { path: tests },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'A path into a package that its exports do not offer ends here too.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // The rivals of a benchmark are installed apart, by the benchmark.
    exclude: {
      path: ['^(?:libs/[^/]+|services/[^/]+|services/metrics/page|cli)/dist/', '^bench/tracker/rivals/'],
    },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@pixtorrent/source', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs'],
    },
  },
};
