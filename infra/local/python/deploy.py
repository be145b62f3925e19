"""Deploys the SAM template to the emulator: uploads the code, transforms and overlays the template, creates the stack.

One JSON object describes a deployment:
  stack, template         the stack's name and the SAM template's path
  parameters              the template's parameters
  values                  the values for the names in the overlay
  watched                 whether the overlay's entries for watched functions apply
  functions               name → path of the function's binary; empty if an earlier deployment uploaded the code
"""

import io
import json
import zipfile
from pathlib import Path

from botocore.exceptions import WaiterError

from sam import load_overlay, matching, overlay, transform

CODE_BUCKET = "function-code"


def package(binary: Path) -> bytes:
    """Makes a function's deployment package: its binary, under the file name that provided.al2023 runs.

    The fastest compression makes a development build three times smaller, so that the emulator handles it sooner.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package_:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        package_.writestr(entry, binary.read_bytes(), zipfile.ZIP_DEFLATED, 1)
    return archive.getvalue()


def upload_code(s3, functions: dict[str, str]) -> None:
    """Uploads every function's package to the address in the transformed template."""
    if functions:
        s3.create_bucket(Bucket=CODE_BUCKET)
    for name, binary in functions.items():
        s3.put_object(Bucket=CODE_BUCKET, Key=f"{name}.zip", Body=package(Path(binary)))


def local_template(request: dict) -> dict:
    """Transforms the SAM template and applies the overlay."""
    entries = load_overlay(request["watched"])
    return overlay(transform(Path(request["template"])), entries, request["values"])


def upload_template(s3, template: dict) -> str:
    """Uploads the template, which is too long for a request, next to the code. Returns its URL."""
    s3.put_object(Bucket=CODE_BUCKET, Key="template.json", Body=json.dumps(template).encode())
    return f"{s3.meta.endpoint_url}/{CODE_BUCKET}/template.json"


def create_stack(cloudformation, template_url: str, request: dict) -> dict[str, str]:
    """Creates the stack and waits until it is complete. Returns the outputs by name."""
    cloudformation.create_stack(
        StackName=request["stack"],
        TemplateURL=template_url,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in request["parameters"].items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    try:
        waiter.wait(StackName=request["stack"], WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})
    except WaiterError as error:
        raise DeploymentError(failures(cloudformation, request["stack"])) from error
    stack = cloudformation.describe_stacks(StackName=request["stack"])["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


class DeploymentError(Exception):
    """The stack was not created; the message lists what failed."""


def failures(cloudformation, stack: str) -> str:
    """Lists the resources that failed, each with its reason."""
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = (event for event in events if event["ResourceStatus"].endswith("FAILED"))
    return "; ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '?')}" for event in failed)


def encrypt_buckets(s3, template: dict, outputs: dict[str, str]) -> None:
    """Sets each bucket's default encryption as in the template, because the emulator's CloudFormation ignores it."""
    for name, resource in matching(template, "AWS::S3::Bucket"):
        rules = []
        for rule in resource["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]:
            default = dict(rule["ServerSideEncryptionByDefault"])
            key, attribute = default["KMSMasterKeyID"]["Fn::GetAtt"]
            if attribute != "Arn":
                raise DeploymentError(f"{name}: the template must name the key by its Arn, not by its {attribute}")
            default["KMSMasterKeyID"] = outputs[key]
            bucket_key = rule["BucketKeyEnabled"]
            rules.append({"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key})
        s3.put_bucket_encryption(
            Bucket=outputs[name], ServerSideEncryptionConfiguration={"Rules": rules}
        )


def deploy(client, request: dict) -> dict[str, str]:
    """Deploys with `client` (service name → AWS client). Returns the stack's outputs."""
    upload_code(client("s3"), request["functions"])
    template = local_template(request)
    template_url = upload_template(client("s3"), template)
    outputs = create_stack(client("cloudformation"), template_url, request)
    encrypt_buckets(client("s3"), template, outputs)
    return outputs
