//! One API server for all tests, each with an account of its own in the emulator of AWS.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use gpunode_tests::aws::{Bed, Inventory, Proxy, Told};
use gpunode_tests::kube::proxy::{Fault, Proxy as KubeProxy};
use gpunode_tests::kube::{
    Authenticator, Client, Cluster, EKS_USER, finish, helm, karpenter_definitions, patch, program,
};
use serde_json::{Value, json};

use crate::stand_ins::{DRIVER_TEMPLATE, DRIVERS, TEMPLATE};

/// The charts that are installed.
pub(crate) const NAMES: [&str; 3] = ["aws-load-balancer-controller", "cluster-autoscaler", "karpenter"];

/// Tests that share what is inside one cluster take turns.
pub(crate) fn one_at_a_time() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The API server; it ends with the test program.
fn cluster() -> &'static (Authenticator, Cluster) {
    static CLUSTER: OnceLock<(Authenticator, Cluster)> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let authenticator = Authenticator::start("us-west-2").unwrap();
        let cluster = Cluster::start_with(&authenticator.arguments()).unwrap();
        (authenticator, cluster)
    })
}

/// An EKS cluster: described by the emulator, with a real API server.
pub(crate) struct Inside {
    pub(crate) bed: Bed,
    pub(crate) cluster: &'static Cluster,
    pub(crate) aws: Proxy,
    pub(crate) empty: Inventory,
    admin: Client,
    /// Changes that were made before this test.
    before: usize,
}

impl Inside {
    pub(crate) fn new(number: u32) -> Self {
        let cluster = &cluster().1;
        let bed = Bed::new(number);
        let authority = base64(&std::fs::read(cluster.authority()).unwrap());
        let aws = Proxy::for_server(cluster.url(), &authority).unwrap();
        let (empty, admin) = (bed.inventory(), cluster.admin().unwrap());
        let mut inside = Self { bed, cluster, aws, empty, admin, before: 0 };
        for name in ["gp2", "gp3", "mine"] {
            inside.delete(&format!("/apis/storage.k8s.io/v1/storageclasses/{name}"));
        }
        inside.delete("/api/v1/namespaces/kube-system/serviceaccounts/metrics-server");
        for (name, version) in NAMES.iter().zip(["1.16.0", "9.50.1", "1.14.0"]) {
            inside.write_chart(name, version);
        }
        for (name, version) in DRIVERS {
            inside.write_chart(name, version);
        }
        inside.before = inside.changes();
        inside
    }

    /// The same with a proxy before the API server.
    pub(crate) fn behind(number: u32) -> (Self, KubeProxy) {
        let mut inside = Self::new(number);
        let proxy = KubeProxy::start(inside.cluster).unwrap();
        let authority = base64(&std::fs::read(inside.cluster.authority()).unwrap());
        inside.aws = Proxy::for_server(&proxy.url(), &authority).unwrap();
        (inside, proxy)
    }

    pub(crate) fn run(&self, words: &[&str], variables: &[(&str, &str)]) -> Told {
        self.with(variables, |all| self.bed.run_through(&self.aws, words, all))
    }

    /// Starts it and does not wait.
    pub(crate) fn start(&self, words: &[&str], variables: &[(&str, &str)]) -> std::process::Child {
        self.with(variables, |all| self.bed.start(&self.aws, words, all))
    }

    /// `variables` after those that every run has.
    fn with<T>(&self, variables: &[(&str, &str)], run: impl FnOnce(&[(&str, &str)]) -> T) -> T {
        let (helm, folder) = (helm().unwrap(), self.bed.folder().display().to_string());
        let path = format!("{}:/usr/bin:/bin", helm.parent().unwrap().display());
        let (charts, temporary) =
            (NAMES.map(|name| self.chart(name)), self.temporary().display().to_string());
        let drivers = DRIVERS.map(|(name, _)| self.chart(name));
        let ours = [
            ("INSTALL_KUBERNETES", "true"),
            ("LOAD_BALANCER_CONTROLLER_CHART", &charts[0]),
            ("CLUSTER_AUTOSCALER_CHART", &charts[1]),
            ("KARPENTER_CHART", &charts[2]),
            ("NVIDIA_DRA_DRIVER_CHART", &drivers[0]),
            ("EFA_DRA_DRIVER_CHART", &drivers[1]),
            ("PATH", &path),
            ("HOME", &folder),
            ("TMPDIR", &temporary),
        ];
        run(&[&ours, variables].concat())
    }

    /// Where every run has its temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        let folder = self.bed.folder().join("temporary");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Says of a Deployment what its controller would.
    pub(crate) fn runs(&self, name: &str) {
        let path = format!("/apis/apps/v1/namespaces/kube-system/deployments/{name}");
        let replicas = self.get(&path)["spec"]["replicas"].clone();
        self.says(
            &path,
            &json!({ "replicas": replicas, "availableReplicas": replicas, "readyReplicas": replicas }),
        );
    }

    /// Says as a controller, or a node, does how an object is.
    pub(crate) fn says(&self, path: &str, status: &Value) {
        let path = format!("{path}/status");
        let change = json!({ "status": status });
        self.admin.patch(&path, patch::MERGE, &change).unwrap().granted(&path).unwrap();
    }

    /// The folder of a chart.
    pub(crate) fn chart(&self, name: &str) -> String {
        self.bed.folder().join("charts").join(name).display().to_string()
    }

    pub(crate) fn write_chart(&self, name: &str, version: &str) {
        let folder = self.chart(name);
        std::fs::create_dir_all(format!("{folder}/templates")).unwrap();
        let driver = DRIVERS.iter().any(|(driver, _)| *driver == name);
        let template = if driver { DRIVER_TEMPLATE } else { TEMPLATE };
        std::fs::write(format!("{folder}/templates/all.yaml"), template).unwrap();
        let about = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        std::fs::write(format!("{folder}/Chart.yaml"), about).unwrap();
        if name == "karpenter" {
            self.write_definitions();
        }
    }

    /// Karpenter's own definitions, where its chart has them.
    pub(crate) fn write_definitions(&self) {
        let folder = format!("{}/crds", self.chart("karpenter"));
        std::fs::create_dir_all(&folder).unwrap();
        for entry in std::fs::read_dir(karpenter_definitions().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, format!("{folder}/{}", path.file_name().unwrap().display())).unwrap();
        }
    }

    /// Helm in somebody else's hand.
    pub(crate) fn helm(&self, words: &[&str]) -> String {
        // This writes the file.
        self.cluster.kubectl(&["version"]).unwrap();
        let mut command = program(helm().unwrap());
        command.args(words).args(["--namespace", "kube-system", "--kubeconfig"]);
        command.arg(self.cluster.folder().join("admin.kubeconfig")).env("HOME", self.bed.folder());
        finish(command).unwrap()
    }

    /// Writes a kubeconfig of this name for who has `token`, and gives its path.
    pub(crate) fn kubeconfig(&self, name: &str, url: &str, token: &str) -> String {
        let folder = self.bed.folder();
        let (path, file) = (folder.join(name), folder.join(format!("{name}.token")));
        std::fs::write(&file, token).unwrap();
        self.cluster.kubeconfig(&path, url, &file).unwrap();
        path.display().to_string()
    }

    pub(crate) fn releases(&self) -> Vec<String> {
        let said = self.helm(&["list", "--short"]);
        said.lines().map(str::to_owned).collect()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let mut object = self.admin.get(path).unwrap().granted(path).unwrap();
        object["metadata"]["managedFields"] = Value::Null;
        object
    }

    /// Whether something is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.admin.get(path).unwrap().status == 200
    }

    pub(crate) fn create(&self, path: &str, object: &Value) {
        self.admin.create(path, object).unwrap().granted(path).unwrap();
    }

    pub(crate) fn patch(&self, path: &str, change: &Value) {
        self.admin.patch(path, patch::JSON, change).unwrap().granted(path).unwrap();
    }

    /// What is not there is gone already.
    pub(crate) fn delete(&self, path: &str) {
        self.admin.delete(path).unwrap();
    }

    /// Applies once more, which must change nothing, here and with AWS.
    pub(crate) fn is_applied(&self, variables: &[(&str, &str)]) {
        let (changes, calls) = (self.changes(), self.aws.mutating());
        let told = self.run(&["apply", "--yes", "--json"], variables);
        assert_eq!((told.code, told.json()["calls"]["mutating"].as_u64()), (Some(0), Some(0)), "{told:?}");
        assert_eq!(
            (self.changes(), self.aws.mutating()),
            (changes, calls),
            "another apply changed something"
        );
    }

    /// Requests of the EKS user that changed something in this test, by the API server's audit log.
    pub(crate) fn changes(&self) -> usize {
        self.changing("") - self.before
    }

    /// Those of one program, in all tests until now.
    pub(crate) fn changing(&self, program: &str) -> usize {
        let audit = self.cluster.audit().unwrap();
        let changing = ["create", "update", "patch", "delete", "deletecollection"];
        let ours = audit.0.iter().filter(|request| {
            request.user == EKS_USER
                && changing.contains(&request.verb.as_str())
                && request.resource != "selfsubjectaccessreviews"
                && request.agent.starts_with(program)
        });
        ours.count()
    }

    /// Paths of everything that carries our mark.
    pub(crate) fn ours(&self) -> Vec<String> {
        let lists = [
            "/apis/storage.k8s.io/v1/storageclasses",
            "/apis/apiregistration.k8s.io/v1/apiservices",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
            "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
            "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
            "/apis/apps/v1/namespaces/kube-system/deployments",
            "/apis/apps/v1/namespaces/kube-system/daemonsets",
            "/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets",
            "/api/v1/namespaces/kube-system/configmaps",
            "/api/v1/namespaces/kube-system/services",
            "/api/v1/namespaces/kube-system/serviceaccounts",
            "/apis/karpenter.k8s.aws/v1/ec2nodeclasses",
            "/apis/karpenter.sh/v1/nodepools",
        ];
        let mut found = Vec::new();
        for list in lists {
            let answer = self.admin.get(list).unwrap();
            // Karpenter's kinds are there once its chart was.
            if answer.status == 404 && list.contains("karpenter") {
                continue;
            }
            let items = answer.granted(list).unwrap()["items"].clone();
            for item in items.as_array().unwrap() {
                if item["metadata"]["annotations"]["gpunode.io/cluster"] == "us-west-2/research" {
                    found.push(format!("{list}/{}", item["metadata"]["name"].as_str().unwrap()));
                }
            }
        }
        found
    }
}

/// In every way in which an API server fails, at one request in three.
pub(crate) fn faults() -> Vec<Fault> {
    let kinds = [Fault::Answer(503, None), Fault::Close, Fault::Answer(429, Some(1)), Fault::LoseAnswer];
    let each = |fault: Fault| [fault, Fault::None, Fault::None];
    kinds.into_iter().cycle().take(12).flat_map(each).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - three.len()));
        for at in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * at) & 63]);
            text.push(if at <= three.len() { digit } else { '=' });
        }
    }
    text
}
