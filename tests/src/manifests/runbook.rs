//! `manifests/ALERTS.md`: what each alert means and what to do, from the tables that the alerts are made from.

use std::fmt::Write as _;

use gpunode_host::finding::Clears;
use gpunode_host::health::rules;

use super::alerts::{name, own, word};

const HEAD: &str = "# Alerts

Made by `cargo xtask manifests` from the rules of health; changes here are lost. Each alert of a finding begins at once:
the rule has waited already where waiting tells more. It ends when the finding does.
";

/// The page.
pub fn runbook() -> String {
    let mut text = HEAD.to_owned();
    for one in own() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n## {}\n\n{} ({}, after {})\n\n", one.name, one.about, one.severity, one.wait);
        let _ = write!(text, "**Do:** {}\n\n`{}`\n", one.action, one.expression);
    }
    for rule in rules::all() {
        let Some(severity) = word(rule.severity) else { continue };
        let _ = write!(text, "\n## {}\n\n{} ({severity})\n\n", name(rule.code), rule.about);
        let _ = write!(text, "- **Seen:** {}\n- **Goes:** {}\n", rule.detected, goes(rule.clears));
        let _ = write!(text, "- **Do:** {}\n- **Source:** {}\n", rule.action, rule.source);
    }
    text
}

fn goes(clears: Clears) -> &'static str {
    match clears {
        Clears::WhenGone => "when it is gone",
        Clears::GpuReset => "by a reset of the GPU",
        Clears::DriverReload => "when the driver starts the device anew",
        Clears::Reboot => "by a reboot",
        Clears::Replace => "by a new instance",
    }
}
