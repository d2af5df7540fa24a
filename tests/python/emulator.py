"""ministack, with what it lacks of EC2, Auto Scaling, EKS, S3 and Service Quotas and the installer asks for: where an instance type is
offered, reservations and blocks of capacity, that a token makes one version of a template, what that says of network cards and placement, which versions are supported, what a node
group or an Auto Scaling group keeps and takes, that a bucket is somebody's, what IAM foretells of a role, and how many vCPUs may run. Each is as botocore's models and AWS's API references have it; what is
wrong is refused.
"""

import copy
import fnmatch
import json
import re

from ministack import app
from ministack.app import main
from ministack.core import iam_evaluator, router
from ministack.core.responses import get_account_id
from ministack.services import autoscaling, ec2, eks, iam, s3

# Zones by instance type; others are offered nowhere.
OFFERED = {"p5en.48xlarge": "ab", "p5.48xlarge": "abc", "g6e.48xlarge": "abc"}


def describe_instance_type_offerings(parameters):
    if ec2._p(parameters, "LocationType") != "availability-zone":
        return ec2._error("InvalidParameterValue", "only zones are known here", 400)
    wanted = ec2._parse_filters(parameters).get("instance-type", list(OFFERED))
    items = ""
    for name in wanted:
        for letter in OFFERED.get(name, ""):
            zone = f"<location>{ec2.get_region()}{letter}</location>"
            items += f"<item><instanceType>{name}</instanceType><locationType>availability-zone</locationType>{zone}</item>"
    inner = f"<instanceTypeOfferingSet>{items}</instanceTypeOfferingSet>"
    return ec2._xml(200, "DescribeInstanceTypeOfferingsResponse", inner)


# Reservations and blocks by their ids; a block is bought as it is offered.
RESERVATIONS = ec2.AccountScopedDict()
BLOCKS = {"cb-0123456789abcdef0": ("p5en.48xlarge", "a", 200)}


def reservation_xml(found):
    return "".join(f"<{name}>{ec2._esc(str(value))}</{name}>" for name, value in found.items())


def reserve(action, name, zone, count, kind, state):
    identity = f"cr-{len(RESERVATIONS) + 1:017x}"
    found = {"capacityReservationId": identity, "instanceType": name, "availabilityZone": zone, "totalInstanceCount": count,
             "reservationType": kind, "state": state}
    RESERVATIONS[identity] = found
    return ec2._xml(200, f"{action}Response", f"<capacityReservation>{reservation_xml(found)}</capacityReservation>")


def create_capacity_reservation(parameters):
    asked = [ec2._p(parameters, name) for name in ["InstanceType", "AvailabilityZone", "InstanceCount"]]
    return reserve("CreateCapacityReservation", *asked, "default", "active")


def purchase_capacity_block(parameters):
    name, letter, count = BLOCKS[ec2._p(parameters, "CapacityBlockOfferingId")]
    return reserve("PurchaseCapacityBlock", name, ec2.get_region() + letter, count, "capacity-block", "scheduled")


def cancel_capacity_reservation(parameters):
    RESERVATIONS[ec2._p(parameters, "CapacityReservationId")]["state"] = "cancelled"
    return ec2._xml(200, "CancelCapacityReservationResponse", "<return>true</return>")


def describe_capacity_reservations(parameters):
    wanted = ec2._p(parameters, "CapacityReservationId.1")
    if wanted and wanted not in RESERVATIONS:
        return ec2._error("InvalidCapacityReservationId.NotFound", f"The capacity reservation '{wanted}' does not exist", 400)
    found = [RESERVATIONS[wanted]] if wanted else RESERVATIONS.values()
    items = "".join(f"<item>{reservation_xml(one)}</item>" for one in found)
    return ec2._xml(200, "DescribeCapacityReservationsResponse", f"<capacityReservationSet>{items}</capacityReservationSet>")


def describe_security_groups(parameters, before=ec2._ACTION_MAP["DescribeSecurityGroups"]):
    """The emulator does not know the filter `group-id`."""
    wanted = ec2._parse_filters(parameters).get("group-id")
    if wanted is None:
        return before(parameters)
    items = "".join(ec2._sg_xml(ec2._security_groups[name]) for name in wanted if name in ec2._security_groups)
    return ec2._xml(200, "DescribeSecurityGroupsResponse", f"<securityGroupInfo>{items}</securityGroupInfo>")


def matches_filters(instance, filters, before=ec2._matches_filters):
    """The emulator does not know wildcards, which EC2 takes in every filter."""
    wanted = filters.get("instance-type")
    if wanted and not any(fnmatch.fnmatchcase(instance["InstanceType"], pattern) for pattern in wanted):
        return False
    return before(instance, {name: values for name, values in filters.items() if name != "instance-type"})


# vCPUs by quota: the account's own, where an increase was asked for (which is granted at once), else the default. One
# quota has no applied value, as some of AWS's have none.
QUOTAS = {"L-417A185B": ("Running On-Demand P instances", 4000.0), "L-C4BD4855": ("All P5 Spot Instance Requests", 0.0)}
DEFAULT_ONLY = "L-C4BD4855"
APPLIED = {}


async def handle_quotas(method, path, headers, body, query):
    operation, asked = headers.get("x-amz-target", "").rsplit(".", 1)[-1], json.loads(body)
    refused = lambda code, said: (400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps({"__type": code, "Message": said}).encode())
    code = asked["QuotaCode"]
    if asked["ServiceCode"] != "ec2" or code not in QUOTAS:
        return refused("NoSuchResourceException", f"The request failed because the specified quota {code} does not exist.")
    name, default = QUOTAS[code]
    applied = APPLIED.get((get_account_id(), code), None if code == DEFAULT_ONLY else default)
    if operation == "RequestServiceQuotaIncrease":
        if asked["DesiredValue"] <= (applied or default):
            return refused("IllegalArgumentException", "the desired value is not above the current one")
        APPLIED[get_account_id(), code] = asked["DesiredValue"]
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps({"RequestedQuota": {"Status": "APPROVED"}}).encode()
    value = {"GetServiceQuota": applied, "GetAWSDefaultServiceQuota": default}[operation]
    if value is None:
        return refused("NoSuchResourceException", f"no applied value of {code}")
    quota = {"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": name, "Value": value, "Unit": "None", "Adjustable": True}
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps({"Quota": quota}).encode()


def template_of(parameters):
    """The launch template that a group names, where it names one, or why it is refused."""
    asked = lambda name: autoscaling._p(parameters, f"LaunchTemplate.{name}")
    if not asked("LaunchTemplateId"):
        return None, None
    found = ec2._launch_templates.get(asked("LaunchTemplateId"))
    versions = {str(version["VersionNumber"]): version for version in found["Versions"]} if found else {}
    if asked("Version") not in versions:
        return None, autoscaling._error("ValidationError", "You must use a valid fully-formed launch template.")
    profile = versions[asked("Version")]["LaunchTemplateData"].get("IamInstanceProfile", {}).get("Name")
    if profile and profile not in iam._instance_profiles:
        return None, autoscaling._error("ValidationError", f"Invalid IAM Instance Profile name {profile}")
    named = {"LaunchTemplateId": asked("LaunchTemplateId"), "LaunchTemplateName": found["LaunchTemplateName"]}
    return {**named, "Version": asked("Version")}, None


# So many instances there are to be had for a group.
CAPACITY = 3


def describe_scaling_activities(parameters):
    """The emulator has no trouble, and so nothing to say of it."""
    group = autoscaling._asgs.get(autoscaling._p(parameters, "AutoScalingGroupName"))
    said = "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient capacity."
    lacks = group and len(group["Instances"]) < group["DesiredCapacity"]
    activities = f"<member><StatusCode>Failed</StatusCode><StatusMessage>{said}</StatusMessage></member>" if lacks else ""
    inner = f"<Activities>{activities}</Activities>"
    return autoscaling._xml(200, "DescribeScalingActivitiesResponse",
                            f"<DescribeScalingActivitiesResult>{inner}</DescribeScalingActivitiesResult>")


def create_group(parameters, before=autoscaling._ACTION_MAP["CreateAutoScalingGroup"]):
    """The emulator does not look at the template."""
    template, refusal = template_of(parameters)
    answer = refusal or before(parameters)
    if answer[0] == 200 and template:
        group = autoscaling._asgs[autoscaling._p(parameters, "AutoScalingGroupName")]
        group["LaunchTemplate"] = template
        for instance in group["Instances"]:
            instance["LaunchTemplate"] = template
        del group["Instances"][CAPACITY:]
    return answer


def update_group(parameters, before=autoscaling._ACTION_MAP["UpdateAutoScalingGroup"]):
    """The emulator keeps the template, and takes any sizes."""
    template, refusal = template_of(parameters)
    name = autoscaling._p(parameters, "AutoScalingGroupName")
    there = list(autoscaling._asgs.get(name, {}).get("Instances", []))
    answer = refusal or before(parameters)
    if answer[0] == 200:
        group = autoscaling._asgs[name]
        group["LaunchTemplate"] = template or group["LaunchTemplate"]
        group["DesiredCapacity"] = min(max(group["DesiredCapacity"], group["MinSize"]), group["MaxSize"])
        autoscaling._reconcile_instances(group)
        del group["Instances"][CAPACITY:]
        if autoscaling._p(parameters, "DesiredCapacity") == "0":
            group["Instances"] = [{**instance, "LifecycleState": "Terminating"} for instance in there]
    return answer


def describe_groups(parameters, before=autoscaling._ACTION_MAP["DescribeAutoScalingGroups"]):
    """What ends is seen once while it does."""
    answer = before(parameters)
    for group in autoscaling._asgs.values():
        group["Instances"] = [found for found in group["Instances"] if found["LifecycleState"] != "Terminating"]
    return answer


def delete_group(parameters, before=autoscaling._ACTION_MAP["DeleteAutoScalingGroup"]):
    name = autoscaling._p(parameters, "AutoScalingGroupName")
    if name not in autoscaling._asgs:
        return autoscaling._error("ValidationError", "AutoScalingGroup name not found - null")
    if autoscaling._asgs[name]["Instances"]:
        return autoscaling._error("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances")
    return before(parameters)


# What was answered to a client's token, and the parameters that it came with.
TOKENS = {}


def create_launch_template_version(parameters, before=ec2._ACTION_MAP["CreateLaunchTemplateVersion"]):
    """EC2 makes one version for one token, and refuses other parameters with it."""
    token = ec2._p(parameters, "ClientToken")
    key = (ec2._p(parameters, "LaunchTemplateId"), token)
    if token and key in TOKENS:
        answer, same = TOKENS[key]
        return answer if same == parameters else ec2._error("IdempotentParameterMismatch", "other parameters before", 400)
    answer = before(parameters)
    if token and answer[0] == 200:
        TOKENS[key] = (answer, parameters)
    return answer


# What the emulator loses of an interface in a template, and how the form has it.
INTERFACE = {"NetworkCardIndex": int, "InterfaceType": str, "DeleteOnTermination": lambda said: said == "true"}


def parse_template(parameters, prefix="LaunchTemplateData", before=ec2._parse_lt_data):
    data = before(parameters, prefix)
    for number, interface in enumerate(data.get("NetworkInterfaces", []), 1):
        for name, read in INTERFACE.items():
            if said := ec2._p(parameters, f"{prefix}.NetworkInterface.{number}.{name}"):
                interface[name] = read(said)
    if group := ec2._p(parameters, f"{prefix}.Placement.GroupName"):
        data["Placement"] = {"GroupName": group}
    return data


def template_xml(data, before=ec2._lt_data_xml):
    """Names are those of the API, with a small first letter."""
    items = ""
    for interface in data.get("NetworkInterfaces", []):
        groups = "".join(f"<item>{ec2._esc(group)}</item>" for group in interface.get("Groups", []))
        plain = {name: value for name, value in interface.items() if name != "Groups"}
        texts = {name: str(value).lower() if isinstance(value, bool) else ec2._esc(str(value)) for name, value in plain.items()}
        fields = "".join(f"<{(tag := name[0].lower() + name[1:])}>{text}</{tag}>" for name, text in texts.items())
        items += f"<item>{fields}<groupSet>{groups}</groupSet></item>"
    group = data.get("Placement", {}).get("GroupName")
    placement = f"<placement><groupName>{ec2._esc(group)}</groupName></placement>" if group else ""
    others = {name: value for name, value in data.items() if name != "NetworkInterfaces"}
    return before(others) + f"<networkInterfaceSet>{items}</networkInterfaceSet>" + placement


RESERVED = ["kubernetes.io/", "k8s.io/", "eks.amazonaws.com/"]


def reserved(labels):
    """EKS's refusal of labels that it keeps for itself."""
    if any(prefix in name for name in labels for prefix in RESERVED):
        said = f"Label cannot contain reserved prefixes [{', '.join(RESERVED)}]"
        return eks._error(400, "InvalidParameterException", said)
    return None


def create_nodegroup(cluster, body, before=eks._create_nodegroup):
    """Keeps the template and the repair of a group, and refuses what EKS refuses of labels and of a template."""
    if refusal := reserved(body.get("labels", {})):
        return refusal
    template = body.get("launchTemplate") or {}
    found = ec2._launch_templates.get(template.get("id"))
    if template and not found:
        return eks._error(400, "InvalidRequestException", f"Launch template {template} does not exist")
    # A size, and a type, is said once; a type is said in the template.
    if template and body.get("instanceTypes") and version(template)["LaunchTemplateData"].get("InstanceType"):
        return eks._error(400, "InvalidParameterException", "an instance type in the template and another one beside it")
    answer = before(cluster, body)
    group = eks._nodegroups.get(f"{cluster}/{body.get('nodegroupName')}")
    if answer[0] == 200:
        if template:
            group["launchTemplate"] = {**template, "name": found["LaunchTemplateName"]}
            if version(template)["LaunchTemplateData"].get("ImageId"):
                group["amiType"] = "CUSTOM"
        group["nodeRepairConfig"] = body.get("nodeRepairConfig", {"enabled": False})
        return eks._json_resp(200, {"nodegroup": group})
    return answer


def told_of_tags(change):
    """EKS shows a group's tags as they are, the emulator as they were when it was made."""
    def changed(arn, more):
        answer = change(arn, more)
        for group in eks._nodegroups.values():
            if group["nodegroupArn"] == arn:
                group["tags"] = dict(eks._tags.get(arn, {}))
        return answer
    return changed


def version(template):
    versions = ec2._launch_templates[template["id"]]["Versions"]
    return next(found for found in versions if str(found["VersionNumber"]) == template.get("version"))


def update_config(group, body):
    sizes = {**group["scalingConfig"], **body.get("scalingConfig", {})}
    if not sizes["minSize"] <= sizes["desiredSize"] <= sizes["maxSize"]:
        return eks._error(400, "InvalidParameterException", f"the desired size is out of bounds: {sizes}")
    labels, taints = body.get("labels", {}), body.get("taints", {})
    if refusal := reserved(labels.get("addOrUpdateLabels", {})):
        return refusal
    group["scalingConfig"] = sizes
    group["labels"] = {**group["labels"], **labels.get("addOrUpdateLabels", {})}
    for name in labels.get("removeLabels", []):
        group["labels"].pop(name, None)
    changed = taints.get("addOrUpdateTaints", [])
    gone = [(taint["key"], taint["effect"]) for taint in changed + taints.get("removeTaints", [])]
    group["taints"] = [taint for taint in group["taints"] if (taint["key"], taint["effect"]) not in gone] + changed
    group["nodeRepairConfig"] = body.get("nodeRepairConfig", group["nodeRepairConfig"])
    return updated("ConfigUpdate")


def update_version(group, body):
    template = body.get("launchTemplate")
    if template:
        if template.get("id") != group["launchTemplate"]["id"]:
            return eks._error(400, "InvalidParameterException", "a group keeps its launch template")
        group["launchTemplate"] = {**group["launchTemplate"], **copy.deepcopy(template)}
    return updated("VersionUpdate")


def updated(kind):
    return eks._json_resp(200, {"update": {"id": eks.new_uuid(), "status": "Successful", "type": kind, "params": [], "errors": []}})


# Versions of the control plane, and whether EKS supports them: as of a day that is always today.
VERSIONS = {"1.34": "STANDARD_SUPPORT", "1.31": "EXTENDED_SUPPORT", "1.30": "UNSUPPORTED"}


async def handle_request(method, path, headers, body, query, before=eks.handle_request):
    if (method, path) == ("GET", "/cluster-versions"):
        versions = [{"clusterVersion": name, "versionStatus": status} for name, status in VERSIONS.items()]
        return eks._json_resp(200, {"clusterVersions": versions})
    found = re.fullmatch(r"/clusters/([\w-]+)/node-groups/([\w-]+)/update-(config|version)", path)
    if method != "POST" or not found:
        return await before(method, path, headers, body, query)
    cluster, name, what = found.groups()
    group = eks._nodegroups.get(f"{cluster}/{name}")
    if not group:
        return eks._error(404, "ResourceNotFoundException", f"No node group found for name: {name}.")
    return (update_config if what == "config" else update_version)(group, eks.json.loads(body or "{}"))


async def handle_bucket(method, path, headers, *more, before=s3.handle_request, **named):
    """Refuses what is not the account's that the request names; a redirect to the bucket's region comes first."""
    answer = await before(method, path, headers, *more, **named)
    expected, (bucket, _) = headers.get("x-amz-expected-bucket-owner"), s3._parse_bucket_key(path, headers)
    owner = s3._bucket_owner_account(bucket) if expected and bucket else None
    if owner and owner != expected and answer[0] == 200:
        return 403, {name: value for name, value in answer[1].items() if name.lower() == "x-amz-bucket-region"}, b""
    return answer


def simulate_principal_policy(parameters):
    """The emulator knows no conditions here, and no role with a path."""
    listed = lambda name: [iam._p(parameters, f"{name}.member.{place}") for place in range(1, 101)]
    context = {}
    for place in range(1, 101):
        entry = f"ContextEntries.member.{place}"
        if iam._p(parameters, f"{entry}.ContextKeyName"):
            context[iam._p(parameters, f"{entry}.ContextKeyName")] = iam._p(parameters, f"{entry}.ContextKeyValues.member.1")
    source, resource = iam._p(parameters, "PolicySourceArn"), iam._p(parameters, "ResourceArns.member.1") or "*"
    kind, name = source.split(":")[5].split("/", 1)
    if kind != "role" or source not in (role["Arn"] for role in iam._roles.values()):
        return iam._error(404, "NoSuchEntity", f"{source} cannot be found.", ns="iam")
    policies = iam_evaluator._gather_role_policies(name.split("/")[-1], get_account_id())
    prefix = "aws:RequestTag/"
    request = {key.removeprefix(prefix): value for key, value in context.items() if key.startswith(prefix)}
    results = ""
    for action in filter(None, listed("ActionNames")):
        asked = iam_evaluator.EvalContext(
            principal_arn=source,
            principal_type="AssumedRole",
            principal_account=get_account_id(),
            action=action,
            resource_arn=resource,
            region=context.get("aws:RequestedRegion", ""),
            secure_transport=True,
            request_tags=request,
            tag_keys=list(request),
            service_context={key.lower(): value for key, value in context.items()},
        )
        decision = iam_evaluator.evaluate(asked, policies).decision
        word = {"Allow": "allowed", "Deny": "explicitDeny"}.get(decision, "implicitDeny")
        results += (f"<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>"
                    f"<EvalDecision>{word}</EvalDecision></member>")
    inner = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return iam._xml(200, "SimulatePrincipalPolicyResponse",
                    f"<SimulatePrincipalPolicyResult>{inner}</SimulatePrincipalPolicyResult>", ns="iam")


ec2._ACTION_MAP["DescribeInstanceTypeOfferings"] = describe_instance_type_offerings
ec2._ACTION_MAP["CreateCapacityReservation"] = create_capacity_reservation
ec2._ACTION_MAP["PurchaseCapacityBlock"] = purchase_capacity_block
ec2._ACTION_MAP["CancelCapacityReservation"] = cancel_capacity_reservation
ec2._ACTION_MAP["DescribeCapacityReservations"] = describe_capacity_reservations
ec2._ACTION_MAP["CreateLaunchTemplateVersion"] = create_launch_template_version
ec2._ACTION_MAP["DescribeSecurityGroups"] = describe_security_groups
ec2._parse_lt_data = parse_template
ec2._lt_data_xml = template_xml
# Nobody is there; it would have another port for each cluster.
eks._cluster_endpoint = lambda port: "https://one"
eks._create_nodegroup = create_nodegroup
eks._tag_resource, eks._untag_resource = told_of_tags(eks._tag_resource), told_of_tags(eks._untag_resource)
iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate_principal_policy
eks.handle_request = handle_request
s3.handle_request = handle_bucket
ec2._matches_filters = matches_filters
autoscaling._ACTION_MAP["CreateAutoScalingGroup"] = create_group
autoscaling._ACTION_MAP["UpdateAutoScalingGroup"] = update_group
autoscaling._ACTION_MAP["DeleteAutoScalingGroup"] = delete_group
autoscaling._ACTION_MAP["DescribeAutoScalingGroups"] = describe_groups
autoscaling._ACTION_MAP["DescribeScalingActivities"] = describe_scaling_activities
router.SERVICE_PATTERNS["servicequotas"] = {"target_prefixes": ["ServiceQuotasV20190624"]}
app.SERVICE_HANDLERS["servicequotas"] = handle_quotas

main()
