/** How the text of one variable is read. */
export interface ValueSchema<T> {
  /** What a text has to be that is not refused: `a port from 1 to 65535`. */
  readonly expected: string;
  read(text: string): ReadValue<T> | undefined;
}

/** What was read, which may be undefined itself. */
export interface ReadValue<T> {
  readonly value: T;
}

/** One variable of the environment. */
export interface Setting<T = unknown> {
  readonly name: string;
  readonly schema: ValueSchema<T>;
  /** As it would stand in the environment; undefined where the variable is optional, and its value then is too. */
  readonly default: string | undefined;
  /** For whoever runs the service, in one line. */
  readonly about: string;
  /** Its value is shown nowhere. */
  readonly secret: boolean;
  /** An empty variable is a value of its own; else it counts as not set, as many tools that fill in templates have it. */
  readonly takesEmpty: boolean;
}

export interface SettingOptions {
  readonly secret?: boolean;
  readonly takesEmpty?: boolean;
}

/** All that a service reads from its environment, by the names that its code uses. */
export type Settings = Readonly<Record<string, Setting>>;

/** What comes of settings. */
export type ConfigOf<S extends Settings> = {
  readonly [Key in keyof S]: S[Key] extends Setting<infer T> ? T : never;
};

/** A variable that has a value whether it is set or not. */
export function setting<T>(
  name: string,
  schema: ValueSchema<T>,
  defaultText: string,
  about: string,
  options: SettingOptions = {},
): Setting<T> {
  return { name, schema, default: defaultText, about, secret: false, takesEmpty: false, ...options };
}

/** A variable that may be missing. */
export function optional<T>(
  name: string,
  schema: ValueSchema<T>,
  about: string,
  options: SettingOptions = {},
): Setting<T | undefined> {
  return { name, schema, default: undefined, about, secret: false, takesEmpty: false, ...options };
}
