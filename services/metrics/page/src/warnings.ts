import type { Warning } from '../messages.d.ts';
import { element } from './element.ts';
import { duration } from './words.ts';

const announcer = document.querySelector<HTMLElement>('#announcer')!;

/** What is wrong with a swarm, each in a sentence; what comes anew is read out. */
export class WarningList {
  readonly root = element('section', { class: 'warnings', 'aria-label': 'Warnings', hidden: true });
  readonly #known = new Set<string>();

  show(warnings: readonly Warning[]): void {
    this.root.hidden = warnings.length === 0;
    this.root.replaceChildren(
      ...warnings.map(({ severity, message, seconds }) =>
        element(
          'p',
          { class: `warning ${severity}` },
          element('strong', {}, severity === 'critical' ? 'Critical' : 'Warning'),
          element('span', {}, message),
          element('small', {}, `for ${duration(seconds)}`),
        ),
      ),
    );
    for (const { code, message } of warnings) if (!this.#known.has(code)) announcer.textContent = message;
    this.#known.clear();
    for (const { code } of warnings) this.#known.add(code);
  }
}
