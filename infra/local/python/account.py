"""Deploys the local stack and makes AWS calls as the account's root, on request.

Each line of standard input is a request, a JSON object. Each line of standard output is its answer, in the same order:
  {"deploy": {…}}                            deploys, see deploy.py → {"result": the stack's outputs}
  {"service", "operation", "parameters"}     makes a call, with boto3's names → {"result": …}. An optional
                                             {"credentials"} has boto3's credential arguments of another caller.
The answer to a failed request is {"error": message}; an error from AWS also has {"code": …}. Bytes are written as
{"base64": "…"} in both directions.
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
    """Converts a JSON object to a parameter of a call; {"base64": …} becomes bytes."""
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


def json_out(value: object) -> object:
    """Converts the values of an AWS answer that JSON has no type for: bytes and times."""
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as JSON")


def answer(client, request: dict) -> dict:
    """Executes one request and returns its answer."""
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
    except Exception as error:  # The caller handles the failure; this process continues.
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
