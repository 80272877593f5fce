import { CatalogError } from '../errors.ts';

/** What a catalogue can have no room for. */
export type Lack = 'names' | 'versions' | 'bytes';

export function noRoomFor(lack: Lack, name: string): CatalogError {
  switch (lack) {
    case 'names':
      return new CatalogError('full', 'the catalogue has no room for more names: remove some');
    case 'versions':
      return new CatalogError('full', `${name} has as many versions as it may have: remove old ones`);
    case 'bytes':
      return new CatalogError('full', 'the catalogue has no room for more torrents: remove some');
  }
}

export function closed(): CatalogError {
  return new CatalogError('closed', 'the catalogue has been closed');
}
