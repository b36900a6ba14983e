"""Python's `wsproto` for tests/differential.rs: bytes in, what they say out, and the other way.

A line comes in, a line goes out, all of them words between spaces; bytes are in hexadecimal:

    read EXTENSIONS WIRE            what a client sent            -> TOLD...
    write EXTENSIONS SEED           a session of a server's       -> WIRE TOLD...

EXTENSIONS is the header that was agreed on. TOLD is `t:` text, `b:` bytes, `i:` ping, `o:` pong,
`c:CODE:REASON` close, or `e:` and what was wrong. Ends with its standard input.
"""

import random
import sys

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import ParseFailed
from wsproto.utilities import RemoteProtocolError

TEXTS = ["plain ", "κόσμε ", "übermäßig ", "你好", "🎮", "\x00", "a" * 300, "{'tick': 1024}, "]


def server(extensions):
    """The server's side of a connection whose upgrade is behind it."""
    agreed = []
    if extensions:
        deflate = PerMessageDeflate()
        assert deflate.accept(extensions) is not None
        agreed = [deflate]
    return Connection(ConnectionType.SERVER, agreed)


def read(extensions, wire):
    connection = server(extensions)
    told, pending = [], {}
    pieces = in_order(wire) if extensions else [wire]
    try:
        for piece in pieces:
            connection.receive_data(piece)
            for event in connection.events():
                tell(event, pending, told)
    except (RemoteProtocolError, ParseFailed) as error:
        told.append("e:" + str(error).encode().hex())
    return told


def in_order(wire):
    """A client's frames, those of control moved behind the message that they came within: wsproto
    forgets that a message is compressed when a control frame comes between its fragments."""
    at, is_inside, held = 0, False, []
    while at < len(wire):
        first, length, width = wire[at], wire[at + 1] & 0x7F, 0
        if length > 125:
            width = 2 if length == 126 else 8
            length = int.from_bytes(wire[at + 2 : at + 2 + width], "big")
        frame = wire[at : at + 2 + width + 4 + length]
        at += len(frame)
        if first & 0x08 and is_inside:
            held.append(frame)
            continue
        if not first & 0x08:
            is_inside = not first & 0x80
        yield frame
        if not is_inside:
            yield from held
            held.clear()


def tell(event, pending, told):
    if isinstance(event, (TextMessage, BytesMessage)):
        is_text = isinstance(event, TextMessage)
        data = event.data.encode() if is_text else bytes(event.data)
        pending["data"] = pending.get("data", b"") + data
        if event.message_finished:
            told.append(("t:" if is_text else "b:") + pending.pop("data").hex())
    elif isinstance(event, Ping):
        told.append("i:" + bytes(event.payload).hex())
    elif isinstance(event, Pong):
        told.append("o:" + bytes(event.payload).hex())
    elif isinstance(event, CloseConnection):
        told.append(f"c:{int(event.code)}:{(event.reason or '').encode().hex()}")
    else:
        told.append("e:" + type(event).__name__.encode().hex())


def write(extensions, seed):
    """Messages in random fragments with pings and pongs between them, and a close frame."""
    choose, connection = random.Random(seed), server(extensions)
    wire, told = [], []

    def send(event):
        wire.append(connection.send(event))

    def interrupt():
        while choose.random() < 0.3:
            payload = choose.randbytes(choose.choice([0, 1, 4, 125]))
            is_ping = choose.random() < 0.5
            send((Ping if is_ping else Pong)(payload=payload))
            told.append(("i:" if is_ping else "o:") + payload.hex())

    for _ in range(choose.randrange(12)):
        interrupt()
        size = choose.choice([0, 1, 5, 40, 400, 9000])
        is_text = choose.random() < 0.5
        if is_text:
            whole = "".join(choose.choice(TEXTS) for _ in range(size // 5))
        elif choose.random() < 0.5:
            whole = choose.randbytes(size)
        else:
            whole = bytes(choose.choice(b"abc") for _ in range(size))
        kind = TextMessage if is_text else BytesMessage
        cuts = sorted(choose.randrange(len(whole) + 1) for _ in range(choose.choice([0, 0, 1, 5])))
        for start, end in zip([0, *cuts], [*cuts, None]):
            send(kind(data=whole[start:end], message_finished=end is None))
            if end is not None:
                interrupt()
        told.append(("t:" + whole.encode().hex()) if is_text else ("b:" + whole.hex()))
    code, reason = choose.choice([(1000, ""), (1001, "fort"), (3000, "später, κόσμε"), (4999, "x" * 123)])
    send(CloseConnection(code=code, reason=reason))
    told.append(f"c:{code}:{reason.encode().hex()}")
    return [b"".join(wire).hex(), *told]


def main():
    for line in sys.stdin:
        what, extensions, subject = line.rstrip("\n").split(" ")
        extensions = bytes.fromhex(extensions).decode()
        if what == "read":
            answer = read(extensions, bytes.fromhex(subject))
        else:
            answer = write(extensions, int(subject))
        print(" ".join(answer), flush=True)


main()
