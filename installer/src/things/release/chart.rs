//! Where the chart of a release is.

use std::ffi::OsString;

use super::Release;
use crate::aws::{Door, Failure, Meaning};
use crate::helm;
use crate::kube::yaml;

impl Release {
    /// The chart, as helm is told of it.
    pub(super) fn place(&self) -> Vec<OsString> {
        let (chart, version) = (self.chart.as_str(), self.version.as_str());
        let words = if chart.starts_with("https://") {
            vec![self.name, "--repo", chart, "--version", version]
        } else {
            vec![chart, "--version", version]
        };
        words.into_iter().map(OsString::from).collect()
    }

    /// Helm takes what is in a folder, whatever version is asked for; an upgrade would follow the other for ever.
    pub(super) async fn check_folder(&self, door: &Door) -> Result<(), Failure> {
        if !self.chart.starts_with('/') {
            return Ok(());
        }
        let call = "helm show";
        door.recorder().looked();
        let words = vec!["show".into(), "chart".into(), self.chart.as_str().into()];
        let said = helm::run(door.cluster()?, call, words).await?;
        let chart = yaml::documents(&String::from_utf8_lossy(&said)).unwrap_or_default();
        let text = |name: &str| chart.first().and_then(|chart| chart[name].as_str()).unwrap_or_default();
        if (text("name"), text("version")) == (self.name, self.version.as_str()) {
            return Ok(());
        }
        let found = format!("{} {}", text("name"), text("version"));
        let what = format!("the chart in {} is {found}, not {} {}", self.chart, self.name, self.version);
        Err(Failure { call, meaning: Meaning::Never, what })
    }
}
