/** What `--json` prints: `event` names the kind, the rest is its fields. Bytes, seconds, bytes a second. */
export type OutputEvent =
  | { readonly event: 'ready'; readonly infoHash: string; readonly host: string; readonly port: number }
  /** A tracker; a port that is off has no fields. `port`: that of HTTP. */
  | {
      readonly event: 'ready';
      readonly host: string;
      readonly port?: number;
      readonly http?: string;
      readonly udp?: string;
      readonly grpc?: string;
      readonly ops?: string;
    }
  | ({ readonly event: 'progress' } & TransferFigures)
  | { readonly event: 'complete'; readonly downloaded: number; readonly seconds: number }
  | { readonly event: 'error'; readonly code: string; readonly message: string }
  | ({ readonly event: ResultEvent } & Readonly<Record<string, unknown>>);

type ResultEvent =
  | 'created'
  | 'torrent'
  | 'magnet'
  | 'verified'
  | 'demo'
  | 'running'
  | 'published'
  | 'spread'
  | 'entry'
  | 'status'
  | 'removed'
  | 'draining'
  | 'drained'
  | 'checked';

export interface TransferFigures {
  /** In this session. */
  readonly downloaded: number;
  /** In this session. */
  readonly uploaded: number;
  /** Of what is wanted: here and verified. */
  readonly have: number;
  readonly total: number;
  readonly downRate: number;
  readonly upRate: number;
  readonly peers: number;
  readonly pieces: number;
}

/** One line, whatever the fields hold. */
export function formatEvent(event: OutputEvent): string {
  return `${JSON.stringify(event)}\n`;
}
