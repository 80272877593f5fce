import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** Contents of files in PEM, or the paths to them. */
export interface TlsPem {
  /** A key, and with it its certificate and those between it and an authority. */
  readonly key?: string;
  readonly certificate?: string;
  /** Authorities that certify the other side. */
  readonly ca?: string;
}

/**
 * Refuses what no connection could be made with.
 * @returns when the certificate expires, milliseconds since 1970; undefined where there is none
 * @throws Error that says why
 */
export function checkCertificates({ key, certificate, ca }: TlsPem, now: number): number | undefined {
  if ((key === undefined) !== (certificate === undefined))
    throw new Error('a key wants a certificate, and one it');
  if (ca !== undefined) checkAuthorities(ca);
  if (key === undefined || certificate === undefined) return undefined;
  createSecureContext({ key, cert: certificate });
  const { validFrom, validTo } = new X509Certificate(certificate);
  if (Date.parse(validFrom) > now) throw new Error(`the certificate is not valid before ${validFrom}`);
  if (Date.parse(validTo) <= now) throw new Error(`the certificate has expired on ${validTo}`);
  return Date.parse(validTo);
}

/** OpenSSL passes over what it cannot read there, and would trust nobody. */
function checkAuthorities(ca: string): void {
  const blocks = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('there is no certificate of an authority');
  for (const block of blocks) new X509Certificate(block);
}
