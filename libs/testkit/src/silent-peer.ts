import type { PeerLink } from '@pixtorrent/engine';
import type { PeerInbox } from './virtual-peer-link.ts';

/** A peer that promises everything and gives nothing: it has all pieces, unchokes, and answers no request. */
export class SilentPeer implements PeerInbox {
  readonly #link: PeerLink;

  constructor(link: PeerLink) {
    this.#link = link;
    link.haveAll();
    link.unchoke();
  }

  blockBegin(): boolean {
    return false;
  }

  goodbye(): void {
    this.#link.close('remote-closed', 0, '');
  }

  choke(): void {}
  unchoke(): void {}
  interested(): void {}
  notInterested(): void {}
  have(): void {}
  bitfield(): void {}
  haveAll(): void {}
  haveNone(): void {}
  request(): void {}
  cancel(): void {}
  reject(): void {}
  extensionHandshake(): void {}
  extended(): void {}
  blockEnd(): void {}
  blockAbort(): void {}
  blockSent(): void {}
  blockNotSent(): void {}
  closed(): void {}
}
