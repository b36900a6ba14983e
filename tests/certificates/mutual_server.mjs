// A server of npm's `ws` for tests/certificates: it wants certificates of its clients.
//
//     mutual_server.mjs CERTIFICATE.pem KEY.pem CLIENTS.pem NODE_MODULES
//
// Prints the ports of TLS 1.2 and TLS 1.3 once it listens, echoes, and ends with its standard input.

import fs from 'node:fs';
import https from 'node:https';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';

const [certificate, key, clients, modules] = process.argv.slice(2);
const { WebSocketServer } = createRequire(path.resolve(modules, '_'))('ws');

const ports = [];
for (const version of ['TLSv1.2', 'TLSv1.3']) {
  const server = https.createServer({
    cert: fs.readFileSync(certificate),
    key: fs.readFileSync(key),
    ca: fs.readFileSync(clients),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: version,
    maxVersion: version,
  });
  new WebSocketServer({ server }).on('connection', (peer) => {
    peer.on('error', () => {});
    peer.on('message', (data, binary) => peer.send(data, { binary }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ports.push(server.address().port);
}
console.log(ports.join(' '));
process.stdin.resume().on('end', () => process.exit());
