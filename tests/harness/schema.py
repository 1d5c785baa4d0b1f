"""Checks answers against the published description of the Engine API.

The description lies beside the project (shared/reference). Without it nothing is checked, and the
summary of the run says so.
"""

import copy
import os
import re

DESCRIPTION = os.environ.get(
    "GANTRY_API_DESCRIPTION",
    os.path.join(
        os.path.dirname(__file__), "..", "..", "..", "shared", "reference", "engine-api-v1.55.yaml"
    ),
)

# Where dockerd itself prints null and clients take it, although the description says otherwise
# (compare shared/reference/samples/*_v1.51.json). Paths without array indices and map keys.
NULL_ALLOWED = re.compile(
    r"""(^|/)(
    # lists and maps that Go prints as null when they are empty
    Binds|ExposedPorts|Volumes|Cmd|Entrypoint|Env|OnBuild|Labels|Shell|Ports|ConsoleSize
    |PortBindings|VolumesFrom|CapAdd|CapDrop|Dns|DnsOptions|DnsSearch|ExtraHosts|GroupAdd|Links
    |SecurityOpt|StorageOpt|Tmpfs|Sysctls|Mounts|Devices|DeviceCgroupRules|DeviceRequests|DeviceIDs|Capabilities|Ulimits
    |Blkio\w+Device|Blkio\w+Bps|Blkio\w+IOps|BlkioWeightDevice|MaskedPaths|ReadonlyPaths
    |Aliases|DriverOpts|DNSNames|IPAMConfig|ExecIDs|SecondaryIP\w*Addresses|Tags|Mirrors
    |RemoteManagers|GenericResources|Authorization|Config|Options|Warnings|OomKillDisable
    |PidsLimit|MemorySwappiness|Init|Healthcheck|StopTimeout|RootFS/Layers|Annotations
    |ExitCode|CDISpecDirs|Peers|Health|Data|Nodes|Managers
    )$""",
    re.VERBOSE,
)


class Description:
    def __init__(self, path=DESCRIPTION):
        self.routes = []
        self.checked = 0
        self.available = os.path.exists(path)
        if not self.available:
            return
        try:  # here, as they take long to load; the suite itself does not depend on them
            import jsonschema  # pylint: disable=import-outside-toplevel
            import yaml  # pylint: disable=import-outside-toplevel
        except ImportError:
            self.available = False
            return
        self.validator = jsonschema.Draft4Validator
        with open(path, encoding="utf-8") as file:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            document = yaml.load(file, Loader=loader)
        definitions = {k: _json_schema(v) for k, v in document["definitions"].items()}
        for template, methods in document["paths"].items():
            # A container's or an image's name may hold slashes.
            pattern = re.sub(r"\\{[^}]*\\}", "(.+)", re.escape(template))
            for method, operation in methods.items():
                answers = operation.get("responses", {}) if isinstance(operation, dict) else {}
                for status, answer in answers.items():
                    if "schema" in answer:
                        schema = dict(_json_schema(answer["schema"]), definitions=definitions)
                        self.routes.append(
                            (method.upper(), re.compile(pattern + "$"), str(status), schema)
                        )
        # The most literal route first: /images/json before /images/{name}.
        self.routes.sort(key=lambda route: route[1].pattern.count("(.+)"))

    def problems(self, method, target, answer):
        """What is wrong with the ANSWER's body, as a list of texts."""
        if not self.available or "json" not in (answer.header("Content-Type") or ""):
            return []
        path = re.sub(r"^/v\d+\.\d+", "", target.split("?")[0])
        for route_method, pattern, status, schema in self.routes:
            if route_method == method and status == str(answer.status) and pattern.match(path):
                self.checked += 1
                validator = self.validator(schema)
                found = []
                for value in answer.json_lines():
                    found += [_text(e) for e in validator.iter_errors(value) if not _tolerated(e)]
                return found
        return []


def _json_schema(node):
    """Swagger 2 to JSON schema: x-nullable becomes a type; formats and examples mean nothing."""
    if isinstance(node, list):
        return [_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {k: _json_schema(v) for k, v in node.items() if k not in ("example", "format", "default")}
    node.pop("x-omitempty", None)
    if node.pop("x-nullable", False):
        if isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
            if "enum" in node:
                node["enum"] = node["enum"] + [None]
        else:
            node = {"anyOf": [{"type": "null"}, copy.copy(node)]}
    return node


def _place(error):
    return "/".join(str(part) for part in error.absolute_path)


def _tolerated(error):
    place = re.sub(r"/\d+(?=/|$)", "", _place(error))
    return error.instance is None and NULL_ALLOWED.search(place) is not None


def _text(error):
    return f"{_place(error) or '(whole)'}: {error.message[:300]}"
