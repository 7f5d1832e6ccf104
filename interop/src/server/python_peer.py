"""A line server that starts TLS in place and stops it again (RFC 4217's AUTH TLS and CCC).

At the end of TLS it sends in one piece what real servers send in one piece only now and then: the
answer to CCC under TLS, close_notify, and the first clear text behind it. What the client sends
behind its own close_notify is read as clear text likewise.

usage: peer.py PORT 1.2|1.3 CHAIN KEY
"""

import socket
import ssl
import sys
import threading

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Peer:
    """One connection. TLS works on memory, so that each send is ours to put together."""

    def __init__(self, connection, context):
        self.connection = connection
        self.context = context
        self.tls = None
        self.received = b""

    def serve(self):
        self.send(b"220 hi\r\n")
        while (line := self.line()) is not None:
            if not self.answer(line):
                break
        self.close()

    def answer(self, line):
        """Whether the conversation goes on."""
        if line == b"AUTH TLS" and not self.tls:
            self.send(b"234 go ahead\r\n")
            self.start_tls()
        elif line == b"CCC" and self.tls:
            self.stop_tls(b"200 ok\r\n", b"250 glued\r\n")
        elif line in (b"STAT", b"NOOP"):
            self.send(b"200 under TLS\r\n" if self.tls else b"200 in clear text\r\n")
        elif line == b"QUIT":
            self.send(b"221 bye\r\n")
            return False
        else:
            self.send(b"500 what?\r\n")
        return True

    def line(self):
        while b"\r\n" not in self.received:
            data = self.receive()
            if not data:
                return None
            self.received += data
        line, self.received = self.received.split(b"\r\n", 1)
        return line

    def receive(self):
        if not self.tls:
            return self.connection.recv(4096)
        try:
            return self.with_input(lambda: self.tls.read(4096))
        except ssl.SSLZeroReturnError:
            return b""

    def send(self, data):
        if self.tls:
            self.tls.write(data)
            data = self.outgoing.read()
        self.connection.sendall(data)

    def start_tls(self):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.with_input(tls.do_handshake)
        self.tls = tls

    def stop_tls(self, last, first):
        self.tls.write(last)
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass  # our close_notify lies ready; the client's is awaited below
        self.connection.sendall(self.outgoing.read() + first)
        self.with_input(self.tls.unwrap)
        self.tls = None
        self.received = self.incoming.read()

    def with_input(self, step):
        """Repeats `step` with what arrives until it has enough."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.connection.recv(4096)
                if not data:
                    raise ConnectionError("the client is gone without close_notify")
                self.incoming.write(data)
            finally:
                self.flush()

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.connection.sendall(data)

    def close(self):
        if self.tls:
            try:
                self.tls.unwrap()
            except ssl.SSLWantReadError:
                pass
            self.flush()
        # Closing with something unread would be a reset, which can overtake what was sent.
        self.connection.shutdown(socket.SHUT_WR)
        while self.connection.recv(4096):
            pass
        self.connection.close()


def serve(connection, context):
    try:
        Peer(connection, context).serve()
    except OSError as error:  # ssl's errors are among them
        print(repr(error), flush=True)


def main():
    port, version, chain, key = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.load_cert_chain(chain, key)
    listener = socket.create_server(("127.0.0.1", int(port)))
    while True:
        connection, _ = listener.accept()
        # What is put together in one send goes at once, alone.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(connection, context), daemon=True).start()


main()
