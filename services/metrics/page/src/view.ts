/** What the page shows by its hash. */
export interface View {
  readonly title: string;
  readonly root: HTMLElement;
  /** Server-sent events that it wants: where they come from, and their name. */
  readonly url: string;
  readonly event: string;
  show(message: unknown): void;
  close(): void;
}
