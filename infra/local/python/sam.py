"""Transforms the SAM template to plain CloudFormation, offline, and applies the local overlay.

As a program it prints the transformed template as JSON, for lint and assertions. --overlay applies the overlay of the
local stack; --watched applies that of `cargo xtask dev`.
"""

import argparse
import json
import os
from pathlib import Path

CODE = "s3://function-code/{}.zip"
"""The placeholder for the address of a function's code; `sam deploy` writes its own address instead."""


class NoManagedPolicies:
    """Replaces the transform's look-up of managed policies in an account: our roles use inline policies only."""

    def load(self) -> dict:
        """Returns no managed policies."""
        return {}


def transform(template: Path) -> dict:
    """Transforms the SAM template to CloudFormation, with placeholders for the addresses of the code."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    from samtranslator.translator.transform import transform as sam_transform
    from samtranslator.yaml_helper import yaml_parse

    source = yaml_parse(template.read_text())
    source["Globals"]["Function"].pop("CodeUri")
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            binary = resource["Metadata"]["BuildProperties"]["Binary"]
            resource["Properties"]["CodeUri"] = CODE.format(binary)
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = CODE.format("layer")
    return sam_transform(source, {}, NoManagedPolicies())


class OverlayError(Exception):
    """An overlay entry does not match the template; the entry must be corrected."""


def overlay(template: dict, entries: list[dict], values: dict[str, str]) -> dict:
    """Applies each entry (see overlay.yaml) to `template`; every entry must change something."""
    for entry in entries:
        before = json.dumps(template, sort_keys=True)
        for name, resource in matching(template, entry["resource"]):
            if "property" not in entry:
                del template["Resources"][name]
            else:
                change(resource["Properties"], entry["property"].split("."), entry, values)
        if json.dumps(template, sort_keys=True) == before:
            raise OverlayError(f"this entry of overlay.yaml changes nothing; remove or correct it: {entry}")
    return template


def matching(template: dict, wanted: str) -> list[tuple[str, dict]]:
    """The resources whose logical name or type is `wanted`."""
    resources = template["Resources"].items()
    return [(name, resource) for name, resource in resources if wanted in (name, resource["Type"])]


def change(properties: dict, path: list[str], entry: dict, values: dict[str, str]) -> None:
    """Sets the property at `path`, or removes it if the entry has no value.

    In a list of statements, removes the one whose Sid ends the path.
    """
    for step in path[:-1]:
        properties = properties.get(step, {})
    if isinstance(properties, list):
        properties[:] = [statement for statement in properties if statement["Sid"] != path[-1]]
    elif "set" in entry:
        value = entry["set"]
        properties[path[-1]] = values.get(value, value) if isinstance(value, str) else value
    else:
        properties.pop(path[-1], None)


def load_overlay(watched: bool) -> list[dict]:
    """Loads the entries of ../overlay.yaml; entries with `when: watched` only if `watched` is set."""
    from samtranslator.yaml_helper import yaml_parse

    entries = yaml_parse((Path(__file__).parents[1] / "overlay.yaml").read_text())
    return [entry for entry in entries if watched or entry.get("when") != "watched"]


def main() -> None:
    """Prints the transformed template as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("template", type=Path)
    parser.add_argument("--overlay", action="store_true")
    parser.add_argument("--watched", action="store_true")
    arguments = parser.parse_args()
    template = transform(arguments.template)
    if arguments.overlay or arguments.watched:
        template = overlay(template, load_overlay(arguments.watched), {})
    print(json.dumps(template, indent=1))


if __name__ == "__main__":
    main()
