export * from './announce.ts';
export type { PackedPeers } from './compact-peers.ts';
export {
  COMPACT_V4_LENGTH,
  COMPACT_V6_LENGTH,
  MAX_PEERS,
  PeerTrait,
  readCompactPeers,
} from './compact-peers.ts';
export type { TrackerErrorCode } from './errors.ts';
export { TrackerError } from './errors.ts';
export type { AnnounceAnswer } from './http-answer.ts';
export {
  encodeCompactAnswer,
  encodeDictionaryAnswer,
  encodeFailure,
  encodeScrapeAnswer,
} from './http-answer.ts';
export type { AnnounceQuery } from './http-query.ts';
export { MAX_SCRAPE, parseAnnounceQuery, parseScrapeQuery } from './http-query.ts';
export { announceUrl, scrapeUrl } from './http-request.ts';
export { MAX_ANSWER_BYTES, parseAnnounceResponse, parseScrapeResponse } from './http-response.ts';
export { DEFAULT_INTERVAL, MAX_INTERVAL, MIN_INTERVAL } from './interval.ts';
export { formatIp, IPV4_LENGTH, IPV6_LENGTH, parseIp, withoutPort } from './ip-address.ts';
export type { UdpAnswer } from './udp-client.ts';
export { encodeUdpAnnounce, encodeUdpConnect, encodeUdpScrape, parseUdpAnswer } from './udp-client.ts';
export type { UdpExchangeOptions, UdpQuestion, UdpStep } from './udp-exchange.ts';
export { UDP_CONNECTION_LIFETIME, UdpExchange } from './udp-exchange.ts';
export type { ConnectionId } from './udp-packets.ts';
export { UDP_MAX_SCRAPE } from './udp-packets.ts';
export type { UdpRequest } from './udp-server.ts';
export {
  encodeUdpAnnounceAnswer,
  encodeUdpConnectAnswer,
  encodeUdpError,
  encodeUdpScrapeAnswer,
  parseUdpRequest,
} from './udp-server.ts';
