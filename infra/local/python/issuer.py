"""A small OpenID Connect issuer for the local stack: discovery, key set, and a token for every request.

The authorizer reads GET /.well-known/openid-configuration and /keys. POST /token takes a JSON object of claims and
answers a signed token; it adds `iss`, `aud`, `iat` and `exp` (one hour) if the claims do not set them. The issuer uses
TLS only, as the template requires of every issuer. It ends when standard input closes.
"""

import argparse
import base64
import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY_ID = "local"


def base64url(data: bytes) -> str:
    """Encodes as base64url without padding, as JOSE requires (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An issuer with one RSA key, which exists only in this process."""

    def __init__(self, url: str, audience: str) -> None:
        self.url, self.audience = url, audience
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def discovery(self) -> dict:
        """The fields of OpenID Connect Discovery 1.0 that an authorizer reads."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict:
        """The public key as a JSON Web Key Set (RFC 7517)."""
        numbers = self.key.public_key().public_numbers()
        modulus = base64url(numbers.n.to_bytes(256, "big"))
        exponent = base64url(numbers.e.to_bytes(3, "big"))
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": modulus, "e": exponent}
        return {"keys": [key]}

    def token(self, claims: dict) -> str:
        """Signs a JSON Web Token (RFC 7519) with the given claims; missing claims get the defaults."""
        now = int(time.time())
        defaults = {"iss": self.url, "aud": self.audience, "iat": now, "exp": now + 3600}
        header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        parts = (base64url(json.dumps(part).encode()) for part in (header, {**defaults, **claims}))
        signed = ".".join(parts)
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64url(signature)}"


def handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    """Makes the request handler class for this issuer."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, body: dict) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:  # noqa: N802, the base class names it
            pages = {"/.well-known/openid-configuration": issuer.discovery, "/keys": issuer.keys}
            page = pages.get(self.path)
            self.answer(200, page()) if page else self.answer(404, {"error": "no such page"})

        def do_POST(self) -> None:  # noqa: N802, the base class names it
            if self.path != "/token":
                return self.answer(404, {"error": "no such page"})
            claims = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return self.answer(200, {"access_token": issuer.token(claims), "token_type": "Bearer"})

        def log_message(self, *_: object) -> None:
            """Logs nothing: tokens are secret, and the requests are of no interest."""

    return Handler


def main() -> None:
    """Serves until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--audience", required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    arguments = parser.parse_args()
    # Its own process group: an interrupt at the terminal reaches only the caller, which then stops this process.
    os.setpgid(0, 0)
    issuer = Issuer(f"https://127.0.0.1:{arguments.port}", arguments.audience)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), handler(issuer))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(arguments.certificate, arguments.key)
    # Each connection's own thread does the handshake, so that a slow client does not delay other clients.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
