"""The Autobahn TestSuite's fuzzing server, started as its own command line cannot: on a port that
the system chooses, on the loopback interface alone, and also with TLS. Needs Python 2.7, as the
suite does, and nothing outside the directory it is given.

usage: server.py DIRECTORY

DIRECTORY holds spec.json: {"cases": [pattern, ...], "tls": true or false}. Written there: reports/,
server.log and, with TLS, certificate.pem and key.pem. The port is printed as one line; the server
ends when its standard input does.
"""
import json
import os
import sys

os.chdir(sys.argv[1])
announcements, sys.stdout = sys.stdout, open("server.log", "w", 1)  # the suite prints a lot

from autobahntestsuite import choosereactor  # noqa: F401: before the reactor, which it chooses
from autobahntestsuite.fuzzing import FuzzingServerFactory
from OpenSSL import crypto
from twisted.internet import reactor, ssl


class Factory(FuzzingServerFactory):
    def createReports(self):
        """JSON alone: nobody looks at the pages, and they take as long as many cases."""
        FuzzingServerFactory.createReports(self, produceHtml=False)


def write_certificate():
    """For localhost, signed by itself: the client is told to trust this one and no other."""
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)
    certificate = crypto.X509()
    certificate.set_version(2)
    certificate.set_serial_number(1)
    certificate.get_subject().CN = "localhost"
    certificate.set_issuer(certificate.get_subject())
    certificate.gmtime_adj_notBefore(-24 * 60 * 60)
    certificate.gmtime_adj_notAfter(7 * 24 * 60 * 60)
    certificate.add_extensions([
        crypto.X509Extension(b"basicConstraints", True, b"CA:FALSE"),
        crypto.X509Extension(b"subjectAltName", False, b"DNS:localhost"),
    ])
    certificate.set_pubkey(key)
    certificate.sign(key, "sha256")
    with open("key.pem", "wb") as pem:
        pem.write(crypto.dump_privatekey(crypto.FILETYPE_PEM, key))
    with open("certificate.pem", "wb") as pem:
        pem.write(crypto.dump_certificate(crypto.FILETYPE_PEM, certificate))


def stop_with_standard_input():
    sys.stdin.read()
    reactor.callFromThread(reactor.stop)


with open("spec.json") as spec_file:
    spec = json.load(spec_file)
scheme = "wss" if spec["tls"] else "ws"
factory = Factory({"url": scheme + "://localhost", "outdir": "reports", "cases": spec["cases"]})
factory.externalPort = None  # or requests would have to name the port of that URL

if spec["tls"]:
    write_certificate()
    context = ssl.DefaultOpenSSLContextFactory("key.pem", "certificate.pem")
    port = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
else:
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")

announcements.write("%d\n" % port.getHost().port)
announcements.close()
reactor.callInThread(stop_with_standard_input)
reactor.run()
