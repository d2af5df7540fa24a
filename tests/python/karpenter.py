"""Adds to the user data of each `karpenter-gpu.yaml` in the folders of a folder what Karpenter adds to it, and sees whether EC2
takes that, and whether nothing of ours is lost in it.

Karpenter's part is written as its release 1.14.0 does it for the family AL2023 (`pkg/providers/amifamily/bootstrap/nodeadm.go`
and `mime/mime.go`, `pkg/providers/launchtemplate/testdata/al2023_mime_userdata_merged.golden`).
"""

import base64
import email
import os
import sys

import yaml

# Bytes before base64, by EC2's RunInstances.
LIMIT = 16384
# Characters in base64 of the certificate of an EKS cluster: RSA of 2048 bits, about 1100 bytes of PEM; and some more.
AUTHORITY = base64.b64encode(b"-" * 1300).decode()
# The longest that EKS takes for a cluster.
CLUSTER = "c" * 100
BOUNDARY = "//"


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(1)


def parts(text):
    """Type and content of each part, by another reader than Go's, which drops the line's end before a boundary like it."""
    message = email.message_from_string(text)
    if not message.is_multipart() or message.defects:
        fail(f"no MIME document of several parts: {message.defects}")
    return [(part["Content-Type"], part.get_payload()) for part in message.get_payload()]


def node_config(pool, capacity):
    spec = pool["spec"]["template"]["spec"]
    labels = dict(pool["spec"]["template"]["metadata"]["labels"])
    labels |= {
        "karpenter.sh/nodepool": pool["metadata"]["name"],
        "karpenter.sh/capacity-type": capacity,
        "karpenter.k8s.aws/ec2nodeclass": spec["nodeClassRef"]["name"],
        "karpenter.sh/do-not-sync-taints": "true",
    }
    taints = spec["taints"] + [{"key": "karpenter.sh/unregistered", "effect": "NoExecute"}]
    config = {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "metadata": {},
        "spec": {
            "cluster": {
                "apiServerEndpoint": f"https://{'0' * 32}.gr7.ap-southeast-1.eks.amazonaws.com",
                "certificateAuthority": AUTHORITY,
                "cidr": "10.100.0.0/16",
                "name": CLUSTER,
            },
            "containerd": {},
            "instance": {"localStorage": {}},
            "kubelet": {
                "config": {"clusterDNS": ["10.100.0.10"], "maxPods": 1000, "registerWithTaints": taints},
                "flags": ['--node-labels="%s"' % ",".join(f"{name}={labels[name]}" for name in sorted(labels))],
            },
        },
    }
    return "# Karpenter Generated NodeConfig\n" + yaml.safe_dump(config, width=10**6)


def merged(ours, theirs):
    text = f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{BOUNDARY}"\n\n'
    for kind, content in ours + [("application/node.eks.aws", theirs)]:
        text += f"--{BOUNDARY}\nContent-Type: {kind}\n\n{content}\n"
    return text + f"--{BOUNDARY}--\n"


def main():
    (folder,) = sys.argv[1:]
    sizes, room = [], []
    for name in sorted(os.listdir(folder)):
        with open(f"{folder}/{name}/kubernetes/karpenter-gpu.yaml") as file:
            made, *pools = yaml.safe_load_all(file)
        ours = parts(made["spec"]["userData"])
        if any(kind.startswith("application/node.eks.aws") for kind, _ in ours):
            fail(f"{name}: there is a NodeConfig of ours, which Karpenter writes itself")
        for pool in pools:
            theirs = node_config(pool, "on-demand")
            whole = merged(ours, theirs)
            if len(whole.encode()) > LIMIT:
                fail(f"{name}: {len(whole.encode())} bytes with Karpenter's part, and EC2 takes {LIMIT}")
            found = parts(whole)
            if found[:-1] != ours or found[-1][1] != theirs:
                fail(f"{name}: parts are lost or changed where Karpenter adds its own")
            sizes.append(len(whole.encode()))
            room.append(len(whole.encode()) - len(made["spec"]["userData"].encode()))
    # What our generator leaves free has to be enough for what Karpenter adds.
    if not sizes or max(room) > 4096:
        fail(f"Karpenter adds {max(room, default=None)} bytes, and 4096 are left to it")
    print(len(sizes), "pools: at most", max(sizes), "of", LIMIT, "bytes, of which Karpenter's are", max(room))


if __name__ == "__main__":
    main()
