/**
 * The base of every error that this project raises on purpose: a stable code for programs, a message for people.
 * Each package declares its own codes as a union.
 */
export class PixError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Ends an exhausted `switch`; reached only when a union grew and a case was forgotten. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}

/** Text from the network or a file made safe for a terminal or a log line: printable, at most `limit` characters. */
export function printable(text: string, limit = 200): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
  const safe = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
  return (safe.length > limit ? `${safe.slice(0, limit - 1)}…` : safe).toWellFormed();
}
