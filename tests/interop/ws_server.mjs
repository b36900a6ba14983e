// A server of npm's `ws` for tests/interop.rs.
//
//     ws_server.mjs CERTIFICATE.pem KEY.pem NODE_MODULES
//
// Prints `PLAIN-PORT TLS-PORT` once it listens, and the same for each way of compressing; it ends with
// its standard input. What a connection does, its path says; tests/interop/websockets_server.py is the same in the words of another library.

import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';

const [certificate, key, modules] = process.argv.slice(2);
const { WebSocketServer } = createRequire(path.resolve(modules, '_'))('ws');

// By the name in the path of /leave: how that connection was closed by its client.
const departures = new Map();

function departure(name) {
  if (!departures.has(name)) {
    const entry = {};
    entry.told = new Promise((resolve) => (entry.tell = resolve));
    departures.set(name, entry);
  }
  return departures.get(name);
}

const conversations = {
  close: (peer, code, reason) => peer.close(Number(code), reason),
  leave: (peer, name) =>
    peer.on('close', (code, reason) => departure(name).tell(`${code} ${reason}`)),
  left: async (peer, name) => peer.send(await departure(name).told),
  ping: (peer) => {
    peer.on('pong', (payload) => {
      if (String(payload) === 'are you there') peer.send('it was there');
    });
    peer.ping('are you there');
  },
  push: (peer, count) => {
    for (let number = 0; number < Number(count); number++) {
      peer.send(Uint8Array.from({ length: number }, (_, place) => number + place));
    }
    peer.close(1000, 'all of them');
  },
  echo: (peer) => peer.on('message', (data, binary) => peer.send(data, { binary })),
};

function converse(peer, request) {
  const [what, ...rest] = request.url.slice(1).split('/').map(decodeURIComponent);
  peer.on('error', () => {});
  (conversations[what] ?? conversations.echo)(peer, ...rest);
}

function chooseProtocol(offered) {
  return ['chat.v2', 'chat.v1'].find((ours) => offered.has(ours)) ?? false;
}

const secure = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) };
const ways = [
  false,
  true,
  { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
  { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  { threshold: 0 },
];
const ports = [];
for (const perMessageDeflate of ways) {
  for (const server of [http.createServer(), https.createServer(secure)]) {
    const ours = { server, handleProtocols: chooseProtocol, perMessageDeflate };
    new WebSocketServer(ours).on('connection', converse);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ports.push(server.address().port);
  }
}
console.log(ports.join(' '));
process.stdin.resume().on('end', () => process.exit());
