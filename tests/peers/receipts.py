"""Verifies or signs receipts with the package `joserfc`: reads a request, writes its answer, both as JSON.

{"verify": JWS, "keys": JWKS, "salt"} → {"header", "claims", "thumbprints", "requester"}: the receipt's header and
                                        claims, the expected key ids, and the expected claim `requester` for the salt
{"sign": claims, "header"}            → {"jws", "keys": JWKS, "spki": DER in base64}: the claims, signed with a new key;
                                        the key's id is added to the header
"""

import base64
import hashlib
import hmac
import json
import sys

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet


def base64url(text: str) -> bytes:
    """Decodes base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(request: dict) -> dict:
    """Verifies a receipt. Fails unless the JWS is signed with one of the keys."""
    # The receipt's own header does not choose the algorithm: only ES256 is accepted.
    token = jwt.decode(request["verify"], KeySet.import_key_set(request["keys"]), algorithms=["ES256"])
    mac = hmac.new(base64url(request["salt"]), token.claims["request_id"].encode(), hashlib.sha256)
    members = [{name: key[name] for name in ("kty", "crv", "x", "y")} for key in request["keys"]["keys"]]
    return {
        "header": token.header,
        "claims": token.claims,
        "thumbprints": [ECKey.import_key(key).thumbprint() for key in members],
        "requester": base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode(),
    }


def sign(request: dict) -> dict:
    """Signs a receipt with a new key."""
    key = ECKey.generate_key("P-256")
    kid = key.thumbprint()
    published = key.as_dict(private=False) | {"kid": kid, "use": "sig", "alg": "ES256"}
    return {
        "jws": jwt.encode(request["header"] | {"kid": kid}, request["sign"], key, algorithms=["ES256"]),
        "keys": {"keys": [published]},
        "spki": base64.b64encode(key.as_der(private=False)).decode(),
    }


request = json.load(sys.stdin)
json.dump(verify(request) if "verify" in request else sign(request), sys.stdout)
