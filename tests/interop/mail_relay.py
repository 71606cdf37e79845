#!/usr/bin/env python3
"""A mail relay on loopback (aiosmtpd), which prints each mail as Python's own reader sees it.

mail_relay.py [--tls CERT KEY] [--smtps CERT KEY] [--user NAME PASSWORD] [--refuse "550 5.1.1 why"]
prints its port, then one JSON object a mail. It ends when its input ends.
"""
import argparse
import email
import email.policy
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

# aiosmtpd says of each connection that a test signs in without TLS.
warnings.simplefilter("ignore")
logging.getLogger("mail.log").setLevel(logging.ERROR)

options = argparse.ArgumentParser()
options.add_argument("--tls", nargs=2)
options.add_argument("--smtps", nargs=2)
options.add_argument("--user", nargs=2)
options.add_argument("--refuse")
given = options.parse_args()


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if given.refuse:
            return given.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        html = mail.get_body(preferencelist=("html",))
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("cipher") is not None,
            "authenticated": session.authenticated,
            "headers": {name: str(value) for name, value in mail.items()},
            "text": mail.get_body(preferencelist=("plain",)).get_content(),
            "html": html.get_content() if html else None,
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
            "longest": max(len(line) for line in envelope.content.split(b"\r\n")),
        }), flush=True)
        return "250 2.0.0 OK"


def context(files):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files)
    return made


def authenticate(server, session, envelope, mechanism, data):
    expected = [text.encode() for text in given.user]
    return AuthResult(success=[data.login, data.password] == expected, handled=False)


settings = {}
if given.user:
    settings.update(authenticator=authenticate, auth_required=True, auth_require_tls=False)
if given.tls:
    settings.update(tls_context=context(given.tls), require_starttls=True)


class Relay(Controller):
    def _trigger_server(self):
        # The base class connects to its port once, which is known only now.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


relay = Relay(Handler(), hostname="127.0.0.1", port=0,
              ssl_context=context(given.smtps) if given.smtps else None, **settings)
relay.start()
print(relay.port, flush=True)
sys.stdin.read()
relay.stop()
