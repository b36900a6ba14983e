"""A server of Python's `websockets` for tests/interop.rs.

    websockets_server.py CERTIFICATE.pem KEY.pem

Prints `PLAIN-PORT TLS-PORT` once it listens, and the same for each way of compressing; it ends with
its standard input. What a connection does, its path says; tests/interop/ws_server.mjs is the same in the words of another library.
"""

import asyncio
import contextlib
import ssl
import sys
import threading
from urllib.parse import unquote

from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

# By the name in the path of /leave: how that connection was closed by its client.
departures = {}


def departure(name):
    return departures.setdefault(name, asyncio.get_running_loop().create_future())


async def converse(peer):
    what, *rest = [unquote(part) for part in peer.request.path[1:].split("/")]
    if what == "close":
        code, reason = rest
        await peer.close(int(code), reason)
    elif what == "leave":
        await peer.wait_closed()
        departure(rest[0]).set_result(f"{peer.close_code} {peer.close_reason}")
    elif what == "left":
        await peer.send(await departure(rest[0]))
        await peer.wait_closed()
    elif what == "ping":
        await (await peer.ping("are you there"))
        await peer.send("it was there")
        await peer.wait_closed()
    elif what == "push":
        for number in range(int(rest[0])):
            await peer.send(bytes((number + place) % 256 for place in range(number)))
        await peer.close(1000, "all of them")
    else:
        async for message in peer:
            await peer.send(message)


def choose_protocol(_peer, offered):
    return next((ours for ours in ("chat.v2", "chat.v1") if ours in offered), None)


async def main(certificate, key):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def wait_for_the_end():
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    ours = {"select_subprotocol": choose_protocol, "max_size": None}
    # Its own default is a window of 12 bits both ways.
    small = ServerPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=9)
    fresh = ServerPerMessageDeflateFactory(
        server_no_context_takeover=True, client_no_context_takeover=True
    )
    ways = [
        {"compression": None},
        {"compression": "deflate"},
        *({"extensions": [one]} for one in (small, fresh, ServerPerMessageDeflateFactory())),
    ]
    async with contextlib.AsyncExitStack() as servers:
        ports = []
        for way in ways:
            for context in (None, tls):
                serving = serve(converse, "127.0.0.1", 0, ssl=context, **way, **ours)
                server = await servers.enter_async_context(serving)
                ports.append(server.sockets[0].getsockname()[1])
        print(*ports, flush=True)
        await ended.wait()


asyncio.run(main(*sys.argv[1:]))
