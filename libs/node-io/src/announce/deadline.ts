import { TrackerError } from '@pixtorrent/tracker-protocol';

/** The time that a question has, and the caller's wish to take it back, as one signal. */
export interface Deadline {
  /** Aborts with a `TrackerError`, `timeout` or `cancelled`. */
  readonly signal: AbortSignal;
  /** When the time is up, milliseconds of `performance.now`. */
  readonly at: number;
  /** To be called at the end: lets go of the timer and of the caller's signal. */
  release(): void;
}

export function deadline(timeoutMs: number, caller?: AbortSignal): Deadline {
  const controller = new AbortController();
  const cancel = () => controller.abort(new TrackerError('cancelled', 'the question was taken back'));
  const timer = setTimeout(
    () => controller.abort(new TrackerError('timeout', `no answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  if (caller?.aborted) cancel();
  else caller?.addEventListener('abort', cancel, { once: true });
  return {
    signal: controller.signal,
    at: performance.now() + timeoutMs,
    release: () => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', cancel);
    },
  };
}
