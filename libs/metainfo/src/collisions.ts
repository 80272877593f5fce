import { MetainfoError } from './errors.ts';
import type { FileSystem } from './options.ts';

const FOLDER = -1;

/**
 * Makes sure that no two files of a torrent are one file on disk, and that no file is also a folder.
 * Memory and time grow with the number of components, however deep the paths are.
 */
export class PathRegister {
  readonly #fileSystem: FileSystem;
  /** `<number of the folder>/<folded name>` to the number of what it names. A name has no `/` in it. */
  readonly #numbers = new Map<string, number>();
  /** What each number is: `FOLDER`, or the index of the file. */
  readonly #kinds: number[] = [FOLDER];
  readonly #paths: (readonly string[])[] = [];

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  /** @throws MetainfoError where the path collides with one that was added before */
  add(path: readonly string[], place: string): void {
    const file = this.#paths.push(path) - 1;
    let folder = 0;
    for (let depth = 0; depth < path.length; depth++) {
      const last = depth === path.length - 1;
      const key = `${folder}/${fold(path[depth]!, this.#fileSystem)}`;
      const known = this.#numbers.get(key);
      if (known === undefined) {
        folder = this.#kinds.push(last ? file : FOLDER) - 1;
        this.#numbers.set(key, folder);
        continue;
      }
      const kind = this.#kinds[known]!;
      if (last && kind !== FOLDER) throw this.#sameFile(path, this.#paths[kind]!, place);
      if (last || kind !== FOLDER) {
        throw new MetainfoError('path-file-and-folder', place, 'is a file here and a folder elsewhere');
      }
      folder = known;
    }
  }

  #sameFile(path: readonly string[], other: readonly string[], place: string): MetainfoError {
    return path.every((name, i) => name === other[i])
      ? new MetainfoError('path-duplicate', place, 'the same path stands twice')
      : new MetainfoError('path-ambiguous', place, 'differs from another path by case or Unicode form alone');
  }
}

/** Upper case first: it joins letters that have several lower-case forms. */
function fold(name: string, fileSystem: FileSystem): string {
  if (fileSystem === 'posix') return name;
  if (/^[ -~]*$/.test(name)) return name.toLowerCase();
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFD');
}
