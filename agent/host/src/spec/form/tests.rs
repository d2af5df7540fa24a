use super::super::kind::Form;
use super::{aws, download, kubernetes, linux, packages, version};

fn check(form: &Form, good: &[&str], bad: &[&str]) {
    for text in good {
        assert_eq!((form.check)(text), Ok(()), "{text:?}");
    }
    for text in bad {
        assert!((form.check)(text).is_err(), "{text:?}");
    }
}

#[test]
fn names_of_aws() {
    check(&aws::CLUSTER, &["research", "a", "0-_z"], &["", "-a", "a.b", &"a".repeat(101)]);
    check(
        &aws::REGION,
        &["us-west-2", "ap-southeast-4", "us-gov-west-1", "us-iso-east-1"],
        &["", "us-2", "us-west", "usa-west-2", "us-west-2a", "us--2"],
    );
    check(
        &aws::INSTANCE_TYPE,
        &["p5en.48xlarge", "p6e-gb200.36xlarge", "u-3tb1.metal"],
        &["", "p5", "p5.", ".x", "P5.x", "a.b.c"],
    );
    check(
        &aws::EBS_VOLUME,
        &["vol-0123456789abcdef0", "vol-01234567", "/dev/sdf", "sdf1", "/dev/xvdba", "xvdb"],
        &[
            "",
            "vol-",
            "vol-xyz",
            "vol-0123456789abcdef01",
            "/dev/nvme1n1",
            "nvme0n1",
            "/dev/",
            "/dev/sd",
            "sd1",
            "/dev/sdf/x",
            "hda",
        ],
    );
    check(
        &aws::HTTP_ENDPOINT,
        &["http://169.254.169.254", "http://127.0.0.1:1338", "http://[fd00:ec2::254]", "http://[::1]:80"],
        &[
            "",
            "https://169.254.169.254",
            "http://",
            "http://a/b",
            "http://a:0",
            "http://a:x",
            "http://u@a",
            "http://[x]",
            "http://a b",
            "http://fd00:ec2::254",
        ],
    );
}

#[test]
fn versions() {
    check(
        &version::NVIDIA_DRIVER,
        &["550.127.05", "580", "580.95", "latest"],
        &["", "55", "5800", "550.", "550.1.2.3", "newest", "550-1"],
    );
    check(&version::EFA_INSTALLER, &["1.43.0", "latest"], &["", "1.43", "v1.43.0", "1.43.0.1"]);
    check(&version::NCCL, &["2.22.3", "2.22", "2.22.3-1"], &["", "2", "2.22.3-", "2.22.3+cuda", "latest"]);
}

#[test]
fn names_of_linux() {
    check(
        &linux::MOUNT_PATH,
        &["/mnt/k8s-disks/0", "/data", "/var/lib/data", "/usrdata", "/mnt/.ephemeral"],
        &[
            "",
            "/",
            "mnt",
            "/mnt",
            "/mnt/",
            "/mnt//x",
            "/mnt/../etc",
            "/./x",
            "/etc",
            "/etc/x",
            "/var/lib",
            "/var/lib/kubelet/x",
            "/a b",
            "/a\\x20b",
            "/run/x",
        ],
    );
    check(
        &linux::SYSCTL_NAME,
        &["vm.swappiness", "net.ipv4.conf.all.rp_filter", "fs.file-max"],
        &["", "vm", "vm..x", ".vm.x", "vm/x", "../vm.x", "vm.x.", "vm.nr_hugepages", "vm.a b"],
    );
    check(&linux::SYSCTL_VALUE, &["1", "4096 87380 134217728"], &["", "1\n2", "\u{e9}"]);
    check(&linux::VARIABLE_NAME, &["NCCL_DEBUG", "A", "FI_EFA_2"], &["", "nccl", "2A", "_A", "A-B", "A=B"]);
    check(&linux::VARIABLE_VALUE, &["", "^docker,lo", "a=b c"], &["a\nb", "\u{0}"]);
}

#[test]
fn names_of_kubernetes() {
    let long = "a".repeat(64);
    check(
        &kubernetes::LABEL_KEY,
        &[
            "a",
            "nvidia.com/gpu",
            "A_b.c-d",
            "node.kubernetes.io/x",
            "a.node.kubernetes.io/x",
            "topology.kubernetes.io/zone",
            "notkubernetes.io/x",
        ],
        &[
            "",
            "/a",
            "a/",
            "a/b/c",
            "-a",
            "a-",
            "A.com/x",
            "a..b/x",
            &long,
            "kubernetes.io/x",
            "node-role.kubernetes.io/gpu",
            "x.k8s.io/y",
        ],
    );
    check(&kubernetes::LABEL_VALUE, &["", "true", "a_b.c-d", &"a".repeat(63)], &[&long, "-a", "a b", "a/b"]);
    check(
        &kubernetes::TAINT,
        &["nvidia.com/gpu=true:NoSchedule", "a:NoExecute", "a=:PreferNoSchedule"],
        &["", "a", "a=b", "a=b:Never", "=b:NoSchedule", "a=b=c:NoSchedule", "a b:NoSchedule"],
    );
}

#[test]
fn places_of_packages() {
    check(
        &packages::REPOSITORY,
        &["https://mirror.example/cuda/amzn2023/x86_64", "http://10.0.0.1:8080/a", "file:///srv/repo"],
        &["", "https://", "ftp://a/b", "/srv/repo", "https://a b", "https://a\nb", "file://srv"],
    );
    check(&packages::KEY, &["/etc/key.pub", "https://a/k.pub"], &["", "key.pub", "/", "/a/../b", "/a b"]);
    check(
        &packages::OFFLINE,
        &["/opt/nvidia", "/opt/NVIDIA-Linux-x86_64-580.95.05.run"],
        &["", "opt", "/a/../b"],
    );
}

#[test]
fn downloads() {
    check(
        &download::URL,
        &["https://host/x-{version}.tar.gz", "http://host/x", "s3://bucket/key", "file:///srv/x"],
        &["", "https://", "ftp://host/x", "file://host/x", "https:// /x", "host/x", "file:////x"],
    );
    check(&download::SHA256, &[&"0a".repeat(32)], &["", "0a", &"0g".repeat(32), &"0a".repeat(33)]);
    let spaced = "4E90 91BC BB97 A96B 26B1 5E59 A054 80B1 DD2D 3CCC";
    check(&download::FINGERPRINT, &["none", spaced, &spaced.replace(' ', "")], &["", "DD2D3CCC", "any"]);
}
