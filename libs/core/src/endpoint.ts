/** Where a peer or a tracker listens: an IP address or host name, and a port from 1 to 65,535. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The usual text form, `192.0.2.1:6881` or `[2001:db8::1]:6881`; equal endpoints give equal keys. */
export function endpointKey(endpoint: Endpoint): string {
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`;
}
