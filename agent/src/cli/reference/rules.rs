//! The rules, XIDs and SXIDs as tables.

use std::fmt::Write as _;
use std::time::Duration;

use gpunode_host::finding::Clears;
use gpunode_host::health::rule::Confirm;
use gpunode_host::health::{Rule, rules};
use gpunode_host::{sxid, xid};

use super::{cell, word};

/// Every rule but those of single XIDs, which have their own table.
pub(super) fn rules() -> String {
    let mut text = String::from(
        "| code | about | severity | what it means | how it is seen | counts | ends | what to do | source |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for rule in rules::all().filter(|rule| !is_xid(rule)) {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |",
            rule.code,
            word(rule.kind),
            word(rule.severity),
            cell(rule.about),
            cell(rule.detected),
            confirm(rule.confirm),
            ends(rule),
            cell(rule.action),
            cell(rule.source),
        );
    }
    text
}

/// `Xid79`, `Xid145Fatal`; not `XidUnknown`.
fn is_xid(rule: &Rule) -> bool {
    rule.code.strip_prefix("Xid").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Every XID. The rules of the NVLink codes depend on a word of the line: each has a row.
pub(super) fn xids() -> String {
    let mut text = String::from(
        "| XID | name | what it means | kind | rule | severity | condemns the GPU | ends | what to do | source |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for xid in xid::TABLE {
        let own = format!("Xid{}", xid.code);
        let of_it = |rule: &&Rule| {
            rule.code.strip_prefix(&own).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let mut rows: Vec<_> = rules::all().filter(of_it).map(Some).collect();
        if rows.is_empty() {
            rows.push(None);
        }
        for rule in rows {
            let condemns = if xid.condemns { "yes" } else { "no" };
            let (code, severity, ends, action) = match rule {
                Some(rule) => (format!("`{}`", rule.code), word(rule.severity), ends(rule), rule.action),
                None => ("by the action it names".to_owned(), String::new(), String::new(), xid.advice),
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {code} | {severity} | {condemns} | {ends} | {} | {} |",
                xid.code,
                cell(xid.mnemonic),
                cell(xid.meaning),
                word(xid.class),
                cell(action),
                cell(xid.source),
            );
        }
    }
    text
}

/// The sheet of the NVLink codes.
pub(super) fn nvlink5() -> String {
    let mut text = String::from(
        "| XID | unit | sub-code | error status | word | needs | look at |\n|---|---|---|---|---|---|---|\n",
    );
    for row in xid::nvlink5::TABLE {
        let statuses: Vec<_> = row.statuses.iter().map(|status| format!("{status:#x}")).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:?} | {} | {} |",
            row.code,
            row.units.join(", "),
            row.sub_code,
            statuses.join(", "),
            row.severity,
            word(row.need),
            row.look.words().unwrap_or("nothing"),
        );
    }
    text
}

/// Every SXID.
pub(super) fn sxids() -> String {
    let mut text = String::from("| SXID | what it means | how bad it is |\n|---|---|---|\n");
    for row in sxid::TABLE {
        let codes = if row.first == row.last {
            row.first.to_string()
        } else {
            format!("{}–{}", row.first, row.last)
        };
        let _ = writeln!(text, "| {codes} | {} | {} |", cell(row.meaning), word(row.danger));
    }
    text
}

fn confirm(confirm: Confirm) -> String {
    match confirm {
        Confirm::AtOnce => "at once".to_owned(),
        Confirm::Looks(count) => format!("after {count} looks in a row"),
        Confirm::For(span) => format!("after {} in a row", span_text(span)),
        Confirm::Times(count, span) => format!("at {count} times within {}", span_text(span)),
    }
}

fn ends(rule: &Rule) -> String {
    let what = match rule.clears {
        Clears::WhenGone => "when it is gone",
        Clears::GpuReset => "by a GPU reset",
        Clears::DriverReload => "when the driver starts the device anew",
        Clears::Reboot => "by a reboot",
        Clears::Replace => "by a new instance",
    };
    match rule.hold {
        Some(hold) => format!("{what}, {} after its last sign", span_text(hold)),
        None => what.to_owned(),
    }
}

fn span_text(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}
