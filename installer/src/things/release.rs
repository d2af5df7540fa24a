//! A release of a helm chart.

mod chart;
mod record;
mod values;

use std::ffi::OsString;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::object::health;
use super::{Look, definitions};
use crate::aws::{Door, Failure, Meaning};
use crate::desired::Seen;
use crate::helm;
use crate::launch_template::OWNER_TAG;
use record::{Record, label};
use values::others;

/// Where all of them are: the service accounts that take our roles are there.
pub(crate) const NAMESPACE: &str = "kube-system";
#[derive(Clone, Debug)]
pub(super) struct Release {
    /// Of the release and its chart.
    pub(super) name: &'static str,
    /// A repository's `https://` URL, a chart's `oci://` reference, or a path.
    pub(super) chart: String,
    pub(super) version: String,
    pub(super) values: Value,
    pub(super) owner: String,
    pub(super) wanted: bool,
    /// Whether the chart brings custom resource definitions.
    pub(super) definitions: bool,
    /// What its pods are of.
    pub(super) workload: &'static str,
}

impl Release {
    pub(super) fn desired(&self) -> Value {
        json!({
            "status": "deployed", "chart": self.name, "version": self.version,
            "values": self.values, "other values": [],
        })
    }

    pub(super) async fn look(&self, door: &Door) -> Result<Look, Failure> {
        let Some(record) = self.record(door).await? else {
            // What is to be installed later is missed before anything is begun.
            return if self.wanted {
                helm::is_there().map(|()| Seen::Absent.into())
            } else {
                Ok(Seen::Absent.into())
            };
        };
        if record.owner.as_deref() != Some(&label(&self.owner)) {
            return Ok(Seen::Present { owner: record.owner, value: Value::Null }.into());
        }
        let owner = Some(self.owner.clone());
        let (status, pending) = record.status(SystemTime::now());
        if pending {
            let seen = Seen::Present { owner, value: Value::Null };
            return Ok(Look { seen, pending: Some(status), note: None, sick: false });
        }
        helm::is_there()?;
        let asked = tokio::try_join!(self.ask(door, "metadata"), self.ask(door, "values"), self.sick(door));
        let (about, found, sick) = asked?;
        let note = format!(
            "{} {} revision {}",
            self.name,
            about["version"].as_str().unwrap_or_default(),
            record.revision
        );
        let note = sick.iter().fold(note, |note, sick| format!("{note}; {sick}"));
        let value = json!({
            "status": status, "chart": about["chart"], "version": about["version"],
            "values": found, "other values": others(&found, &self.values),
        });
        Ok(Look {
            seen: Seen::Present { owner, value },
            pending: None,
            note: Some(note),
            sick: !sick.is_empty(),
        })
    }

    /// What of its workloads does not run: charts put the release's name on each (Helm, "Labels and Annotations").
    async fn sick(&self, door: &Door) -> Result<Vec<String>, Failure> {
        let query = format!(
            "/apis/apps/v1/namespaces/{NAMESPACE}/{}s?labelSelector=app.kubernetes.io%2Finstance%3D{}",
            self.workload.to_ascii_lowercase(),
            self.name
        );
        let list = door.cluster()?.get(&query).await?.unwrap_or_default();
        let mut sick = Vec::new();
        for found in list["items"].as_array().into_iter().flatten() {
            // Items of a list do not say their kind.
            let mut found = found.clone();
            found["kind"] = self.workload.into();
            let name = found["metadata"]["name"].as_str().unwrap_or_default();
            sick.extend(health(&found).filter(|(_, well)| !well).map(|(note, _)| format!("{name}: {note}")));
        }
        Ok(sick)
    }

    async fn ask(&self, door: &Door, what: &str) -> Result<Value, Failure> {
        let words = ["get", what, self.name, "--namespace", NAMESPACE, "--output", "json"];
        door.recorder().looked();
        let said = helm::run(door.cluster()?, "helm get", words.map(Into::into).to_vec()).await?;
        serde_json::from_slice(&said).map_err(|error| Failure {
            call: "helm get",
            meaning: Meaning::Never,
            what: format!("{what} of {}: {error}", self.name),
        })
    }

    pub(super) async fn create(&self, door: &Door) -> Result<(), Failure> {
        self.upgrade(door).await
    }

    pub(super) async fn update(&self, door: &Door) -> Result<(), Failure> {
        // Helm goes on from no operation that never ended. The objects that it made are found again by their names.
        if let Some(record) = self.record(door).await?
            && record.status(SystemTime::now()).0 == "stuck"
        {
            door.cluster()?.delete(&record.path).await?;
        }
        self.upgrade(door).await
    }

    async fn upgrade(&self, door: &Door) -> Result<(), Failure> {
        let call = "helm upgrade";
        self.check_folder(door).await?;
        if self.definitions {
            definitions::bring(door, self.place()).await?;
        }
        let values = helm::file(&self.values);
        let values =
            values.map_err(|error| Failure { call, meaning: Meaning::Never, what: error.to_string() })?;
        let timeout = format!("{}s", helm::TIMEOUT.as_secs());
        let mark = format!("{OWNER_TAG}={}", label(&self.owner));
        let mut words: Vec<OsString> = vec!["upgrade".into(), "--install".into(), self.name.into()];
        words.extend(self.place());
        words.extend(["--namespace".into(), NAMESPACE.into(), "--reset-values".into(), "--values".into()]);
        words.extend([values.path().into(), "--labels".into(), mark.into()]);
        words.extend(["--timeout".into(), timeout.into(), "--history-max".into(), "5".into()]);
        self.change(door, call, words).await
    }

    pub(super) async fn delete(&self, door: &Door) -> Result<(), Failure> {
        let timeout = format!("{}s", helm::TIMEOUT.as_secs());
        let words = ["uninstall", self.name, "--namespace", NAMESPACE, "--timeout", &timeout];
        match self.change(door, "helm uninstall", words.map(Into::into).to_vec()).await {
            Err(failure) if failure.meaning == Meaning::Absent => Ok(()),
            done => done,
        }
    }

    async fn change(&self, door: &Door, call: &'static str, words: Vec<OsString>) -> Result<(), Failure> {
        let stop = |what: String| Failure { call, meaning: Meaning::Never, what };
        let operation = format!("{} {} {}", call.trim_start_matches("helm "), self.name, self.version);
        door.recorder().sending("Helm", &operation).map_err(stop)?;
        let result = helm::run(door.cluster()?, call, words).await;
        let outcome = result.as_ref().map_or_else(|failure| failure.what.clone(), |_| "done".to_owned());
        door.recorder().answered("Helm", &operation, &outcome).map_err(stop)?;
        result.map(drop)
    }

    /// The newest revision, by the labels of helm's own records: an API server says these without helm.
    async fn record(&self, door: &Door) -> Result<Option<Record>, Failure> {
        let list = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
        let query = format!("{list}?labelSelector=owner%3Dhelm%2Cname%3D{}", self.name);
        let records = door.cluster()?.list_metadata(&query).await?;
        Ok(records.iter().map(|record| Record::of(&list, record)).max_by_key(|record| record.revision))
    }
}
