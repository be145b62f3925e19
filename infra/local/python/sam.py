"""Turns the SAM template into plain CloudFormation, offline, and lays the local overlay over it.

Run as a program it prints the transformed template (with --overlay: the overlaid one; with --watched: the one for
`cargo xtask dev`), for lint and assertions.
"""

import argparse
import json
import os
from pathlib import Path

CODE = "s3://function-code/{}.zip"
"""Where the transform says that code lies; `sam deploy` writes its own address there."""


class NoManagedPolicies:
    """The transform can look up managed policies in an account; every role here spells out its own."""

    def load(self) -> dict:
        """No policy has a name here."""
        return {}


def transform(template: Path) -> dict:
    """The CloudFormation template that SAM makes of `template`, with placeholder code addresses."""
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
    """An overlay entry that does not fit the template: it must be mended, not skipped."""


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
            raise OverlayError(f"changes nothing: {entry}")
    return template


def matching(template: dict, wanted: str) -> list[tuple[str, dict]]:
    """Resources of that logical name, or of that type."""
    resources = template["Resources"].items()
    return [(name, resource) for name, resource in resources if wanted in (name, resource["Type"])]


def change(properties: dict, path: list[str], entry: dict, values: dict[str, str]) -> None:
    """Sets the property at `path`, or removes it where the entry gives no value; a statement goes by its Sid."""
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
    """The entries of overlay.yaml of the folder above; those with `when: watched` only where functions are."""
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
