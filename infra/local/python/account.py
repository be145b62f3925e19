"""The account that the local stack lives in: deploys it and makes AWS calls as the account's root, on request.

Each line of standard input is a JSON object, each line of standard output its answer, in order:
  {"deploy": {…}}                            see deploy.py → {"result": the stack's outputs}
  {"service", "operation", "parameters"}     a call by boto3's names → {"result": …}; with {"credentials"}, the
                                             arguments of that name, as somebody else than root
A failure answers {"error": message}; AWS's own also {"code": …}. Bytes travel as {"base64": "…"} both ways.
"""

import argparse
import base64
import functools
import json
import sys
from datetime import datetime

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from deploy import deploy


def bytes_in(value: dict) -> object:
    """A JSON object as a call's parameter, {"base64": …} being bytes."""
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


def json_out(value: object) -> object:
    """What JSON cannot say of an AWS answer: bytes and times."""
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


def answer(client, request: dict) -> dict:
    """Does what one request asks."""
    try:
        if "deploy" in request:
            return {"result": deploy(client, request["deploy"])}
        caller = client(request["service"], **request.get("credentials", {}))
        call = getattr(caller, request["operation"])
        result = call(**request["parameters"])
        result.pop("ResponseMetadata", None)
        return {"result": result}
    except ClientError as error:
        return {"error": str(error), "code": error.response["Error"]["Code"]}
    except Exception as error:  # The caller decides what a failure means; this process goes on.
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answers until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--certificate", required=True)
    arguments = parser.parse_args()

    @functools.cache
    def client(service: str, **credentials: str):
        return boto3.client(
            service,
            endpoint_url=arguments.endpoint,
            verify=arguments.certificate,
            region_name="us-east-1",
            **(credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}),
            config=Config(s3={"addressing_style": "path"}, read_timeout=300),
        )

    for line in sys.stdin:
        request = json.loads(line, object_hook=bytes_in)
        print(json.dumps(answer(client, request), default=json_out), flush=True)


if __name__ == "__main__":
    main()
