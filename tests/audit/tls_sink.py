"""A syslog server over TLS (RFC 5425) that loses connections on purpose.

tls_sink.py CERT KEY PORT OUT [CUT_AFTER_BYTES CUTS]: writes each whole message to OUT as a line of base64. The first CUTS connections are
torn down (RST, what was read of an unfinished message is forgotten) after CUT_AFTER_BYTES bytes. PORT is bound on 127.0.0.1.
"""
import base64, socket, ssl, struct, sys

cert, key, port, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
cut_after = int(sys.argv[5]) if len(sys.argv) > 5 else 0
cuts = int(sys.argv[6]) if len(sys.argv) > 6 else 0
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
listener = socket.create_server(("127.0.0.1", port))
while True:
    raw, _ = listener.accept()
    try:
        stream = context.wrap_socket(raw, server_side=True)
    except (OSError, ssl.SSLError):
        continue
    read, buffer = 0, b""
    try:
        while True:
            piece = stream.recv(997)
            if not piece:
                break
            read += len(piece)
            buffer += piece
            while b" " in buffer:
                length, rest = buffer.split(b" ", 1)
                if not length.isdigit() or len(rest) < int(length):
                    break
                with open(out, "ab") as lines:
                    lines.write(base64.b64encode(rest[: int(length)]) + b"\n")
                buffer = rest[int(length):]
            if cuts > 0 and read >= cut_after:
                cuts -= 1
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
    except OSError:
        pass
    stream.close()
