import { defineConfig } from 'vitest/config';
import CountsReporter from './.ci/counts-reporter.ts';

const resolve = { conditions: ['@pixtorrent/source'] };
const ssr = { resolve: { conditions: ['@pixtorrent/source'], externalConditions: ['@pixtorrent/source'] } };

/** A test that waits for the network or the disk says so by its project, never by a retry. */
export default defineConfig({
  test: {
    reporters: [new CountsReporter()],
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: ['libs/*/src/**/*.spec.ts', 'services/*/src/**/*.spec.ts', 'cli/src/**/*.spec.ts'],
          testTimeout: 30_000,
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'integration',
          include: ['integration-tests/**/*.spec.ts'],
          globalSetup: 'integration-tests/support/build.ts',
          testTimeout: 180_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 30_000 } },
          fileParallelism: false,
        },
      },
    ],
  },
});
