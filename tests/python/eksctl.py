"""What eksctl takes of a ClusterConfig, as far as one is written.

Names, types and words are those of eksctl's published schema (eksctl-io/eksctl,
pkg/apis/eksctl.io/v1alpha5/assets/schema.json, commit 009491b21c67635c70cc8bf3ecd266d39c63feda), in which every object here
refuses any other field. Of a managed node group only the fields are here that eksctl takes beside `launchTemplate`
(pkg/apis/eksctl.io/v1alpha5/validation.go). One that is missing here is looked up there first.
"""

import copy

import jsonschema

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
TRUTH = {"type": "boolean"}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def words(*those):
    return {"type": "string", "enum": list(those)}


def each(item):
    return {"type": "array", "items": item}


def fields(required=(), **those):
    return {"type": "object", "properties": those, "required": list(required), "additionalProperties": False}


SUBNETS = {"type": "object", "additionalProperties": fields(id=TEXT, az=TEXT)}
ADDON = fields(["name"], name=TEXT, version=TEXT, configurationValues=TEXT, tags=TEXTS)
ASSOCIATION = fields(
    namespace=TEXT,
    serviceAccountName=TEXT,
    roleARN=TEXT,
    roleName=TEXT,
    permissionPolicy={"type": "object"},
    permissionPolicyARNs=each(TEXT),
    createServiceAccount=TRUTH,
    tags=TEXTS,
)
NODE_GROUP = fields(
    ["name"],
    name=TEXT,
    amiFamily=words("AmazonLinux2023", "Bottlerocket", "Ubuntu2204", "Ubuntu2404"),
    launchTemplate=fields(["id"], id=TEXT, version=TEXT),
    minSize=WHOLE,
    desiredCapacity=WHOLE,
    maxSize=WHOLE,
    subnets=each(TEXT),
    privateNetworking=TRUTH,
    spot=TRUTH,
    labels=TEXTS,
    taints=each(fields(key=TEXT, value=TEXT, effect=words("NoSchedule", "PreferNoSchedule", "NoExecute"))),
    nodeRepairConfig=fields(enabled=TRUTH),
    tags=TEXTS,
)
CONFIG = fields(
    ["metadata", "kind", "apiVersion"],
    apiVersion=words("eksctl.io/v1alpha5"),
    kind=words("ClusterConfig"),
    metadata=fields(["name", "region"], name=TEXT, region=TEXT, version=TEXT, tags=TEXTS),
    vpc=fields(id=TEXT, securityGroup=TEXT, subnets=fields(private=SUBNETS, public=SUBNETS)),
    addons=each(ADDON),
    iam=fields(podIdentityAssociations=each(ASSOCIATION)),
    managedNodeGroups=each(NODE_GROUP),
)


def wrong(config):
    """What eksctl would not take of `config`, or None."""
    for error in jsonschema.Draft7Validator(CONFIG).iter_errors(config):
        return f"{error.json_path}: {error.message[:300]}"
    # What the schema cannot say: a group's subnets are names or ids of those above it.
    private = config["vpc"]["subnets"]["private"]
    known = set(private) | {subnet["id"] for subnet in private.values()}
    for group in config["managedNodeGroups"]:
        if not set(group["subnets"]) <= known:
            return f"{group['name']} is in {group['subnets']}, of which vpc.subnets has only {sorted(known)}"
    return None


def wrong_or_blind(config):
    """The same, and what of three configs that eksctl refuses would be let pass: who finds nothing in anything proves nothing."""
    found = wrong(config)
    if found:
        return found
    for name, value in (("instanceType", "p5.48xlarge"), ("capacityType", "CAPACITY_BLOCK"), ("spot", "no")):
        broken = copy.deepcopy(config)
        broken["managedNodeGroups"][0][name] = value
        if not wrong(broken):
            return f"managedNodeGroups[0].{name}={value} was let pass"
    return None
