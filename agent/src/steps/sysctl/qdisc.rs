//! `default_qdisc` counts only for interfaces that come up after it was set. Those that are up keep what they have,
//! so their queues are made anew, once.

use serde::Deserialize;

use crate::os::{Cmd, Os};
use crate::step::Failure;

#[derive(Deserialize)]
struct Row {
    kind: String,
    dev: String,
    #[serde(default)]
    root: bool,
}

/// An interface of a network card whose queues do not have the wanted discipline.
pub(super) struct Wrong {
    device: String,
    now: String,
    wanted: String,
    /// ENA has several hardware queues: the root is `mq`, and each queue gets a child of the default kind.
    multi_queue: bool,
}

impl Wrong {
    pub(super) fn change(&self) -> String {
        format!("queues of {}: {} → {}", self.device, self.now, self.wanted)
    }

    pub(super) fn correct(&self, os: &Os) -> Result<(), Failure> {
        let root = if self.multi_queue { "mq" } else { &self.wanted };
        // `replace` with the kind that is there changes nothing; another kind in between makes the kernel build
        // the children anew from default_qdisc.
        if self.multi_queue {
            os.run(&tc(["replace", "dev", &self.device, "root", "pfifo_fast"]))?;
        }
        os.run(&tc(["replace", "dev", &self.device, "root", root]))?;
        Ok(())
    }
}

fn tc<'a>(args: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::new("tc").arg("qdisc").args(args)
}

/// The interfaces of real cards whose queues are not of kind `wanted`. Where `tc` is not installed, nothing is known
/// of interfaces that are up, and the setting counts from the next boot on.
pub(super) fn wrong(os: &Os, wanted: Option<&str>) -> Result<Vec<Wrong>, Failure> {
    let Some(wanted) = wanted.filter(|_| os.has_program("tc")) else {
        return Ok(Vec::new());
    };
    let output = os.run(&Cmd::new("tc").args(["-j", "qdisc", "show"]))?;
    let rows: Vec<Row> = serde_json::from_str(&output.stdout).unwrap_or_else(|error| {
        tracing::warn!(%error, "tc printed no list of queues");
        Vec::new()
    });
    let cards = os.root().list("/sys/class/net").into_iter().filter(|device| is_up_card(os, device));
    Ok(cards.filter_map(|device| judge(&rows, device, wanted)).collect())
}

/// Virtual interfaces (bridges, veth) have no `device` link and stay as they are.
fn is_up_card(os: &Os, device: &str) -> bool {
    let at = |file: &str| format!("/sys/class/net/{device}/{file}");
    os.root().exists(at("device")) && os.root().value(at("operstate")).as_deref() == Some("up")
}

fn judge(rows: &[Row], device: String, wanted: &str) -> Option<Wrong> {
    let of_device: Vec<_> = rows.iter().filter(|row| row.dev == device).collect();
    let root = of_device.iter().find(|row| row.root)?;
    let multi_queue = root.kind == "mq";
    let now = if multi_queue {
        of_device.iter().find(|row| !row.root).map(|row| row.kind.clone())?
    } else {
        root.kind.clone()
    };
    (now != wanted).then(|| Wrong { device, now, wanted: wanted.to_owned(), multi_queue })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_children_of_mq_are_what_counts() {
        let ena = r#"[{"kind":"mq","dev":"ens5","root":true},{"kind":"fq_codel","dev":"ens5","parent":":1"},{"kind":"fq","dev":"ens6","root":true}]"#;
        let wrong = judge(&rows(ena), "ens5".into(), "fq").unwrap();
        assert_eq!(wrong.change(), "queues of ens5: fq_codel → fq");
        assert!(wrong.multi_queue);
        assert!(judge(&rows(ena), "ens6".into(), "fq").is_none());
        assert!(judge(&rows(ena), "ens7".into(), "fq").is_none());
    }
}
