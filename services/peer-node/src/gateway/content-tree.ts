import type { FileEntry, Metainfo } from '@pixtorrent/metainfo';

export interface TreeFile {
  readonly type: 'file';
  /** Index into `metainfo.files`. */
  readonly index: number;
  readonly entry: FileEntry;
}

export interface TreeFolder {
  readonly type: 'folder';
  readonly children: ReadonlyMap<string, TreeNode>;
}

export type TreeNode = TreeFile | TreeFolder;

const trees = new WeakMap<Metainfo, TreeFolder>();

/** A torrent's files as a tree: its folder, or one that holds its single file. Padding is left out. */
export function treeOf(metainfo: Metainfo): TreeFolder {
  const known = trees.get(metainfo);
  if (known !== undefined) return known;
  const root = new Map<string, TreeNode>();
  for (const [index, entry] of metainfo.files.entries()) {
    if (entry.padding) continue;
    const path = metainfo.directory ? entry.path.slice(1) : entry.path;
    let folder = root;
    for (const part of path.slice(0, -1)) folder = folderIn(folder, part);
    folder.set(path.at(-1)!, { type: 'file', index, entry });
  }
  const tree: TreeFolder = { type: 'folder', children: root };
  trees.set(metainfo, tree);
  return tree;
}

/** @returns undefined where there is nothing of that path */
export function nodeAt(metainfo: Metainfo, path: readonly string[]): TreeNode | undefined {
  let node: TreeNode | undefined = treeOf(metainfo);
  if (path.length === 0 && !metainfo.directory) return node.children.values().next().value;
  for (const part of path) node = node?.type === 'folder' ? node.children.get(part) : undefined;
  return node;
}

function folderIn(folder: Map<string, TreeNode>, name: string): Map<string, TreeNode> {
  const known = folder.get(name);
  // The torrent's paths were checked: no name is a file's and a folder's.
  if (known?.type === 'folder') return known.children as Map<string, TreeNode>;
  const children = new Map<string, TreeNode>();
  folder.set(name, { type: 'folder', children });
  return children;
}
