// Runs bittorrent-tracker's server: node bittorrent-tracker.js PORT
import Server from 'bittorrent-tracker/server';

const server = new Server({ http: true, udp: true, ws: false, stats: false });
server.on('error', (error) => console.error(error.message));
server.listen(Number(process.argv[2]), { http: '127.0.0.1', udp: '127.0.0.1', udp6: '::1' }, () =>
  console.log('ready'),
);
