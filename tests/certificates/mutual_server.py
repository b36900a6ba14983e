"""A server of Python's `websockets` for tests/certificates: it wants certificates of its clients.

    mutual_server.py CERTIFICATE.pem KEY.pem CLIENTS.pem

Prints the ports of TLS 1.2 and TLS 1.3 once it listens, echoes, and ends with its standard input.
"""

import asyncio
import ssl
import sys
import threading

from websockets.asyncio.server import serve


async def echo(peer):
    async for message in peer:
        await peer.send(message)


def demanding(version, certificate, key, clients):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = tls.maximum_version = version
    tls.load_cert_chain(certificate, key)
    tls.load_verify_locations(clients)
    tls.verify_mode = ssl.CERT_REQUIRED
    return tls


async def main(*files):
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wait_for_the_end():
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    versions = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    old, new = (demanding(version, *files) for version in versions)
    async with (
        serve(echo, "127.0.0.1", 0, ssl=old) as older,
        serve(echo, "127.0.0.1", 0, ssl=new) as newer,
    ):
        print(*(server.sockets[0].getsockname()[1] for server in (older, newer)), flush=True)
        await ended.wait()


asyncio.run(main(*sys.argv[1:]))
