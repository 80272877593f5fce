import { rootCertificates } from 'node:tls';
import type { experimental } from '@grpc/grpc-js';
import type { TlsPem } from './certificate-check.ts';

/** Certificates as grpc-js takes them where they may change. */
export interface CertificateSource {
  certificates(): TlsPem;
  onChange(listener: () => void): () => void;
}

type Provider = experimental.CertificateProvider;
type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

export class GrpcCertificates implements Provider {
  readonly #source: CertificateSource;
  readonly #ends = new Map<CaListener | IdentityListener, () => void>();

  constructor(source: CertificateSource) {
    this.#source = source;
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#add(listener, () => {
      const { ca = rootCertificates.join('\n') } = this.#source.certificates();
      listener({ caCertificate: Buffer.from(ca) });
    });
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#add(listener, () => {
      const { key, certificate } = this.#source.certificates();
      if (key === undefined || certificate === undefined) listener(null);
      else listener({ privateKey: Buffer.from(key), certificate: Buffer.from(certificate) });
    });
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#remove(listener);
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#remove(listener);
  }

  #add(listener: CaListener | IdentityListener, tell: () => void): void {
    this.#remove(listener);
    this.#ends.set(listener, this.#source.onChange(tell));
    // Its users are not ready for an answer before they have asked to the end.
    process.nextTick(tell);
  }

  #remove(listener: CaListener | IdentityListener): void {
    this.#ends.get(listener)?.();
    this.#ends.delete(listener);
  }
}
