//! What an operator has: an EKS cluster, an account, a `.env`; and the installer, run with these.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gpunode_tests::aws::{Bed, Proxy, Told};
use gpunode_tests::kube::{Authenticator, Cluster};
use gpunode_tests::vm::Vm;
use serde_json::{Value, json};

use crate::release::Release;

/// What the installer calls the Auto Scaling group and the launch template.
const GROUP: &str = "research-gpu-compute";

pub(crate) struct Site {
    pub(crate) bed: Bed,
    pub(crate) cluster: Cluster,
    /// The API server's certificate authority, PEM in base64, as EKS says it.
    pub(crate) authority: String,
    /// The API server as nodes reach it, and as we do: 127.0.0.1 is another machine there.
    aws: [Proxy; 2],
    _authenticator: Authenticator,
}

/// An instance that the Auto Scaling group has, and what its launch template says.
pub(crate) struct Launch {
    pub(crate) instance: String,
    pub(crate) zone: String,
    /// `LaunchTemplateData` of the group's version, as EC2 describes it.
    pub(crate) data: Value,
}

impl Site {
    /// The cluster has the manifests; of GPU nodes there is nothing yet.
    pub(crate) fn new(account: u32, release: &Release) -> Self {
        let authenticator = Authenticator::start("us-west-2").unwrap();
        let cluster = Cluster::start_with(&authenticator.arguments()).unwrap();
        cluster.deploy("base").unwrap();
        let authority = STANDARD.encode(std::fs::read(cluster.authority()).unwrap());
        let nodes = cluster.url().replace("127.0.0.1", Vm::HOST);
        let aws = [nodes.as_str(), cluster.url()].map(|url| Proxy::for_server(url, &authority).unwrap());
        let site = Self { bed: Bed::new(account), cluster, authority, aws, _authenticator: authenticator };
        std::fs::write(site.bed.folder().join(".env"), site.settings(release)).unwrap();
        site
    }

    /// A self-managed group: its instances get the template's user data as they are, while EKS would write a document of
    /// its own around those of a managed one.
    fn settings(&self, release: &Release) -> String {
        let made = self.bed.calls(&json!([["ec2", "create_subnet",
            { "VpcId": "vpc-00000000", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "us-west-2a" }]]));
        let subnet = made[0]["Subnet"]["SubnetId"].as_str().unwrap();
        format!(
            "CLUSTER_NAME=research\nAWS_REGION=us-west-2\nVPC_ID=vpc-00000000\nPRIVATE_SUBNET_A={subnet}\n\
             GPU_NODE_GROUP_KIND=self-managed\nGPU_DESIRED_SIZE=1\nGPU_MAX_SIZE=2\nGPU_AMI_ID=ami-0123456789abcdef0\n\
             GPU_CREATE_SECURITY_GROUP=true\nGPU_CREATE_PLACEMENT_GROUP=true\nCLUSTER_ENDPOINT={}\nCLUSTER_CA={}\n\
             CLUSTER_CIDR=10.100.0.0/16\nAGENT_URL={}\nAGENT_SHA256={}\n",
            self.endpoint(),
            self.authority,
            release.url(),
            release.sha256,
        )
    }

    /// The API server's URL, as the nodes know it.
    pub(crate) fn endpoint(&self) -> String {
        self.cluster.url().replace("127.0.0.1", Vm::HOST)
    }

    /// Runs `installer <words>` in the folder of the `.env`, with nothing else said.
    pub(crate) fn installer(&self, words: &[&str]) -> Told {
        let [nodes, ours] = &self.aws;
        let aws = if words.starts_with(&["gpu", "create"]) { nodes } else { ours };
        self.bed.run_through(aws, words, &[])
    }

    /// What Auto Scaling has launched.
    pub(crate) fn launched(&self) -> Launch {
        let names = json!({ "AutoScalingGroupNames": [GROUP] });
        let found = self.bed.calls(&json!([["autoscaling", "describe_auto_scaling_groups", names]]));
        let group = &found[0]["AutoScalingGroups"][0];
        let [instance] = group["Instances"].as_array().unwrap().as_slice() else {
            panic!("one instance is wanted: {group}")
        };
        let template = &group["LaunchTemplate"];
        let asked =
            json!({ "LaunchTemplateId": template["LaunchTemplateId"], "Versions": [template["Version"]] });
        let found = self.bed.calls(&json!([["ec2", "describe_launch_template_versions", asked]]));
        let versions = found[0]["LaunchTemplateVersions"].as_array().unwrap().as_slice();
        let [version] = versions else { panic!("one version is wanted: {found}") };
        let text = |name: &str| instance[name].as_str().unwrap().to_owned();
        Launch {
            instance: text("InstanceId"),
            zone: text("AvailabilityZone"),
            data: version["LaunchTemplateData"].clone(),
        }
    }
}
