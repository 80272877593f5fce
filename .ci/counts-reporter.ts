import { DefaultReporter, type TestModule } from 'vitest/node';

/** vitest's usual report, and under it one last line that a script can read: `N passed, N failed, N skipped`. */
export default class CountsReporter extends DefaultReporter {
  override onTestRunEnd(...run: Parameters<DefaultReporter['onTestRunEnd']>): void {
    super.onTestRunEnd(...run);
    const [modules, errors] = run;
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) count(module, counts);
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  }
}

/** A file or a suite that breaks outside its tests counts as one failure: its tests never ran. */
function count(module: TestModule, counts: Record<'passed' | 'failed' | 'skipped', number>): void {
  counts.failed += module.errors().length;
  for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    counts[state === 'pending' ? 'skipped' : state]++;
  }
}
