import { createInterface } from 'node:readline';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import { within } from '../support/processes.ts';

const KEPT_LINES = 200;

/** One that runs as the chart has it run: on a disk that takes no writes, with no rights of the kernel's. */
export class ConfinedContainer extends GenericContainer {
  readonly #lines: string[] = [];

  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = true;
    this.withDroppedCapabilities('ALL').withSecurityOpt('no-new-privileges');
    this.withLogConsumer((stream) => {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      });
    });
  }

  /** An error that shows what it wrote last. */
  failure(what: string): Error {
    return new Error(`${this.imageName.string}: ${what}\n--- its log ---\n${this.#lines.join('\n')}\n---`);
  }
}

/** Sends the first process of a container a signal. */
export async function signal(container: StartedTestContainer, name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const { container: containers } = await getContainerRuntimeClient();
  await containers.getById(container.getId()).kill({ signal: name });
}

/** Waits until a container ends by itself. @returns its exit code */
export async function exitCode(container: StartedTestContainer, seconds: number): Promise<number> {
  const { container: containers } = await getContainerRuntimeClient();
  const { StatusCode } = await within(seconds, containers.getById(container.getId()).wait(), () => {
    return new Error(`${container.getName()} did not end within ${seconds} s`);
  });
  return StatusCode;
}
