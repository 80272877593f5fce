/** Has a node take in a file below its ingest folder: `node ingest.ts HOST:PORT TOKEN NAME REPLICAS PIECE-LENGTH FILE`. */
import { credentials, Metadata } from '@grpc/grpc-js';
import { peer } from '@pixtorrent/contracts';

const [address, token, name, replicas, pieceLength, path] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const client = new peer.PeerServiceClient(address, credentials.createInsecure());
const metadata = new Metadata();
metadata.set('authorization', `Bearer ${token}`);
const publication: peer.Publication = {
  name,
  replicas: Number(replicas),
  labels: {},
  pieceLength: Number(pieceLength),
};
const call = client.ingest({ publication, source: { $case: 'path', path } }, metadata);
let published = false;
for await (const { event } of call as AsyncIterable<peer.IngestResponse>) {
  published ||= event?.$case === 'published';
}
client.close();
if (!published) throw new Error(`${name} was not published`);
