import type { Socket } from 'node:net';
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { NetworkError } from './errors.ts';

/** By what a node shows who it is, and by what it knows its peers. PEM. */
export interface TlsCertificates {
  readonly key: string;
  /** The certificate of the key, and those between it and the authority. */
  readonly certificate: string;
  /** The authorities that certify peers. */
  readonly ca: string;
}

/** Where certificates come from. They may change at any time: a handshake uses those of its beginning. */
export interface TlsIdentity {
  /** The same object for as long as nothing has changed. */
  certificates(): TlsCertificates;
}

export interface TlsOptions {
  /** `accept`: takes TLS beside plain connections, and dials plain. `require`: TLS only, both ways. */
  readonly policy: 'accept' | 'require';
  readonly identity: TlsIdentity;
  /** Whether those who dial have to show a certificate too. @default true */
  readonly mutual?: boolean;
}

/** What `Socket` wraps another one in: documented nowhere, and there since TLS is. */
interface Wrapped {
  readonly _parent?: Socket;
}

/**
 * TLS 1.3 for the connections of a transport. Peers are told by the authority that certified them, not by a name: they
 * are found by addresses that come and go.
 */
export class TlsLayer {
  readonly policy: TlsOptions['policy'];
  readonly #identity: TlsIdentity;
  readonly #server: Server;
  readonly #waiting = new WeakMap<Socket, (inner: TLSSocket) => void>();
  #certificates: TlsCertificates;
  #context: SecureContext;

  /** @throws NetworkError `bad-certificates` */
  constructor(options: TlsOptions) {
    const { policy, identity, mutual = true } = options;
    this.policy = policy;
    this.#identity = identity;
    this.#certificates = identity.certificates();
    const material = contextOptions(this.#certificates);
    try {
      this.#context = createSecureContext(material);
    } catch (cause) {
      throw new NetworkError('bad-certificates', 'the key and the certificates do not fit', { cause });
    }
    // It never listens: connections are handed to it once their first byte has told that they are TLS.
    this.#server = createServer({ ...material, requestCert: mutual, rejectUnauthorized: mutual });
    this.#server.on('secureConnection', (inner) => this.#secured(inner));
    // The socket beneath closes, and whoever owns it hears of that.
    this.#server.on('tlsClientError', () => {});
  }

  /** For a connection that is about to be dialled. */
  get context(): SecureContext {
    this.#refresh();
    return this.#context;
  }

  /** Takes an accepted socket through the handshake of TLS. `secured` is called at its end, or never. */
  accept(raw: Socket, secured: (inner: TLSSocket) => void): void {
    this.#refresh();
    this.#waiting.set(raw, secured);
    this.#server.emit('connection', raw);
  }

  #secured(inner: TLSSocket): void {
    const raw = (inner as unknown as Wrapped)._parent;
    const secured = raw && this.#waiting.get(raw);
    if (secured === undefined) inner.destroy();
    else secured(inner);
  }

  #refresh(): void {
    const certificates = this.#identity.certificates();
    if (certificates === this.#certificates) return;
    this.#certificates = certificates;
    const material = contextOptions(certificates);
    try {
      this.#context = createSecureContext(material);
      this.#server.setSecureContext(material);
    } catch {
      // Whoever hands them out has looked at them. Should they not fit nevertheless, those before stay in force.
    }
  }
}

function contextOptions({ key, certificate, ca }: TlsCertificates): SecureContextOptions {
  return { key, cert: certificate, ca, minVersion: 'TLSv1.3' };
}
