/** Something that costs a walk to read, read once for all metrics that are read in one go. */
export function reading<T>(read: () => T): () => T {
  let current: { readonly value: T } | undefined;
  return () => {
    if (current === undefined) {
      current = { value: read() };
      setImmediate(() => {
        current = undefined;
      });
    }
    return current.value;
  };
}
