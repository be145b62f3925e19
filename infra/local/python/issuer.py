"""A small OpenID Connect issuer for the local stack: discovery, key set, and tokens for the asking.

GET /.well-known/openid-configuration and /keys serve the authorizer; POST /token with a JSON object of claims
answers the signed token. `iss`, `aud`, `iat` and `exp` (an hour) are added where the claims do not set them. It speaks TLS
alone, as the template demands of every issuer.
Ends when standard input closes.
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
    """Base64url without padding, as JOSE wants it (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """One RSA key, living as long as the process."""

    def __init__(self, url: str, audience: str) -> None:
        self.url, self.audience = url, audience
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def discovery(self) -> dict:
        """OpenID Connect Discovery 1.0, the part an authorizer reads."""
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
        """A JSON Web Token (RFC 7519) with the given claims over the usual ones."""
        now = int(time.time())
        defaults = {"iss": self.url, "aud": self.audience, "iat": now, "exp": now + 3600}
        header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        parts = (base64url(json.dumps(part).encode()) for part in (header, {**defaults, **claims}))
        signed = ".".join(parts)
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64url(signature)}"


def handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    """The request handler that answers for this issuer."""

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
            """Tokens are nobody's business, and requests are not worth a line."""

    return Handler


def main() -> None:
    """Serves until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--audience", required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    arguments = parser.parse_args()
    # An interrupt at the terminal reaches the caller, which stops this in order.
    os.setpgid(0, 0)
    issuer = Issuer(f"https://127.0.0.1:{arguments.port}", arguments.audience)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), handler(issuer))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(arguments.certificate, arguments.key)
    # The handshake waits for the connection's own thread: a client that is slow at it keeps nobody else waiting.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
