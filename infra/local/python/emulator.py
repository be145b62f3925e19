"""Runs the AWS emulator on loopback, with TLS and IAM on, until standard input closes.

The caller holds the other end of standard input. That end closes however the caller ends; then the emulator and the
function processes that it started end too. Settings are arguments. The emulator writes only below the given directory.
"""

import argparse
import datetime
import ipaddress
import os
import signal
import sys
import threading
from pathlib import Path


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Makes a self-signed certificate for the loopback address, once. Returns the paths of certificate and key."""
    certificate_path, key_path = directory / "certificate.pem", directory / "key.pem"
    if certificate_path.exists() and key_path.exists():
        return certificate_path, key_path
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local stack")])
    now = datetime.datetime.now(datetime.timezone.utc)
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        # rustls does not accept the certificate of a certificate authority as a server's own certificate.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate_path, key_path


def environment(port: int, directory: Path, certificate: Path, key: Path) -> dict[str, str]:
    """The emulator's settings; the functions it starts inherit the endpoint and the certificate."""
    return {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": "us-east-1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
        "SFTP_ENABLED": "0",
        "SSL_CERT_FILE": str(certificate),
        "TMPDIR": str(directory),
        "USE_SSL": "1",
    }


def inherited(environment_: dict[str, str]) -> dict[str, str]:
    """Selects the variables of our own environment that the emulator and its functions inherit."""
    kept, settings = ("HOME", "LANG", "PATH"), ("LAMBDA_", "MINISTACK_")
    return {name: value for name, value in environment_.items() if name in kept or name.startswith(settings)}


def end_with_caller() -> None:
    """Waits until the caller's end of standard input closes, then ends this process group."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    # The emulator gets 2 s to shut down. Then it and all remaining function processes are killed.
    threading.Event().wait(2.0)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Starts the emulator; returns only when it stops."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    arguments = parser.parse_args()
    # Its own process group: an interrupt at the terminal reaches only the caller, which then stops this process.
    os.setpgid(0, 0)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    certificate, key = make_certificate(arguments.directory)
    settings = inherited(os.environ) | environment(arguments.port, arguments.directory, certificate, key)
    os.environ.clear()
    os.environ.update(settings)
    threading.Thread(target=end_with_caller, daemon=True).start()

    from ministack import app

    # Otherwise the emulator also binds port 443, which other programs of this machine may need.
    app._port_is_bindable = lambda *_: False
    sys.argv = ["ministack"]
    try:
        app.main()
    finally:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
