#!/usr/bin/env python3
"""Makes instance-types.json from a DescribeInstanceTypes dump.

    pip download moto==5.2.5 --no-deps
    agent/host/data/refresh.py moto-5.2.5-py3-none-any.whl            # writes the file
    agent/host/data/refresh.py moto-5.2.5-py3-none-any.whl --check    # says whether it is up to date

The same wheel gives the same bytes: the date in the header is the dump's date inside the wheel, not today's.
Types that the dump lacks come from by-hand.json and say so in `note`.
"""

import gzip
import json
import re
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUTPUT = HERE / "instance-types.json"
DUMP = "moto/ec2/resources/instance_types.json.gz"

# Every NVIDIA family a node can be booted on. Other accelerators (trn, inf, g4ad) have another driver.
FAMILIES = re.compile(r"(p3dn|p4d|p4de|p5|p5e|p5en|p6[a-z]?(-[a-z0-9]+)?|g4dn|g5|g5g|g6|g6e|g6f|gr6|gr6f|g7|g7e)\.")

# EC2 does not say which types carry NVSwitch. Where it sits inside the instance the fabric manager must run.
# p5.4xlarge has one GPU of the board and no switch; p3dn links its V100 directly; g-types talk over PCIe.
NVSWITCH = {
    "p4d.24xlarge": "local",
    "p4de.24xlarge": "local",
    "p5.48xlarge": "local",
    "p5e.48xlarge": "local",
    "p5en.48xlarge": "local",
    "p6-b200.48xlarge": "local",
    "p6-b300.48xlarge": "local",
}


def number(value):
    """Whole numbers without a fraction, so that 100.0 and 100 are one thing in a diff."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def total_gbps(text):
    """'3200 Gigabit', '4x 100 Gigabit' or 'Up to 25 Gigabit' as one number."""
    match = re.fullmatch(r"(?:Up to )?(?:(\d+)x )?([\d.]+) Gigabit", text)
    if not match:
        raise SystemExit(f"network performance in a form not seen before: {text!r}")
    return number(float(match[2]) * int(match[1] or 1))


def gpu(entry):
    row = {
        "manufacturer": entry["Manufacturer"],
        "name": entry["Name"],
        "count": entry.get("Count", 0),
        "logical": entry.get("LogicalGpuCount", entry.get("Count", 0)),
        "memoryMib": entry["MemoryInfo"]["SizeInMiB"],
    }
    size = entry.get("GpuPartitionSize", 1.0)
    if size != 1.0:
        row["partition"] = size
    return row


def card(entry):
    row = {
        "enis": entry["MaximumNetworkInterfaces"],
        "kinds": entry["InterfaceTypes"],
        "gbps": number(entry["BaselineBandwidthInGbps"]),
    }
    if entry["PeakBandwidthInGbps"] != entry["BaselineBandwidthInGbps"]:
        row["peakGbps"] = number(entry["PeakBandwidthInGbps"])
    return row


def runs(cards):
    """Neighbouring cards that are alike become one entry: 32 equal cards are one line that a person can read."""
    out = []
    for index, row in enumerate(cards):
        if out and {k: v for k, v in out[-1].items() if k not in ("first", "last")} == row:
            out[-1]["last"] = index
        else:
            out.append({"first": index, "last": index, **row})
    return out


def ebs(info):
    limits = info.get("EbsOptimizedInfo")
    if not limits:
        return None
    return {
        "baselineMbps": limits["BaselineBandwidthInMbps"],
        "maxMbps": limits["MaximumBandwidthInMbps"],
        "baselineIops": limits["BaselineIops"],
        "maxIops": limits["MaximumIops"],
        "attachments": info.get("MaximumEbsAttachments"),
    }


def convert(name, entry):
    network = entry["NetworkInfo"]
    cards = sorted(network["NetworkCards"], key=lambda c: c["NetworkCardIndex"])
    if [c["NetworkCardIndex"] for c in cards] != list(range(network["MaximumNetworkCards"])):
        raise SystemExit(f"{name}: network cards are not numbered 0 to {network['MaximumNetworkCards'] - 1}")
    (arch,) = entry["ProcessorInfo"]["SupportedArchitectures"]
    storage = entry.get("InstanceStorageInfo", {})
    nvme = storage.get("NvmeSupport") in ("required", "supported")
    return {
        "arch": arch,
        "vcpus": entry["VCpuInfo"]["DefaultVCpus"],
        "memoryMib": entry["MemoryInfo"]["SizeInMiB"],
        "hypervisor": "none" if entry["BareMetal"] else entry["Hypervisor"],
        "usage": entry["SupportedUsageClasses"],
        "gpus": [gpu(g) for g in entry["GpuInfo"]["Gpus"]],
        "nvswitch": NVSWITCH.get(name, "none"),
        "networkGbps": total_gbps(network["NetworkPerformance"]),
        "efaMax": network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0),
        "cards": runs([card(c) for c in cards]),
        "disks": [{"count": d["Count"], "gb": d["SizeInGB"], "nvme": nvme} for d in storage.get("Disks", [])],
        "ebs": ebs(entry["EbsInfo"]),
    }


def by_hand():
    rows = json.loads((HERE / "by-hand.json").read_text())
    for row in rows.values():
        if pattern := row.pop("cardPattern", None):
            cards = [pattern["first"] if i == 0 else pattern["odd" if i % 2 else "even"] for i in range(pattern["count"])]
            row["cards"] = runs(cards)
    return rows


def build(wheel):
    with zipfile.ZipFile(wheel) as archive:
        dump = json.loads(gzip.decompress(archive.read(DUMP)))
        date = "%04d-%02d-%02d" % archive.getinfo(DUMP).date_time[:3]
        (metadata,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        version = re.search(r"^Version: (.+)$", archive.read(metadata).decode(), re.M)[1].strip()
    rows = {name: convert(name, entry) for name, entry in dump.items() if FAMILIES.match(name)}
    missing = NVSWITCH.keys() - rows.keys()
    if missing:
        raise SystemExit(f"the dump lacks types that the NVSwitch table names: {sorted(missing)}")
    # The dump wins: once EC2 describes a type, its hand-written row is only history.
    rows = by_hand() | rows
    header = {
        "source": "DescribeInstanceTypes as dumped in moto ec2/resources/instance_types.json.gz, and by-hand.json",
        "sourceVersion": version,
        "date": date,
        "refresh": f"pip download moto=={version} --no-deps && agent/host/data/refresh.py moto-{version}-py3-none-any.whl",
    }
    lines = [f" {json.dumps(k)}: {json.dumps(v)}," for k, v in header.items()]
    # One type, one line: a refresh shows as a readable diff, and the reader finds a row without parsing the rest.
    types = [f"  {json.dumps(n)}: {json.dumps(rows[n], separators=(',', ':'))}" for n in sorted(rows)]
    return "{\n" + "\n".join(lines) + '\n "types": {\n' + ",\n".join(types) + "\n }\n}\n"


def main(arguments):
    check = "--check" in arguments
    wheels = [a for a in arguments if a != "--check"]
    if len(wheels) != 1:
        raise SystemExit(__doc__)
    text = build(wheels[0])
    if not check:
        OUTPUT.write_text(text)
    elif OUTPUT.read_text() != text:
        raise SystemExit(f"{OUTPUT.name} is not what {wheels[0]} and by-hand.json give; run without --check")


if __name__ == "__main__":
    main(sys.argv[1:])
