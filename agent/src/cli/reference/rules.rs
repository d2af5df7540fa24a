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
            let (code, severity, condemns, ends, action) = if let Some(rule) = rule {
                (
                    format!("`{}`", rule.code),
                    word(rule.severity),
                    if rules::xid::condemns(rule) { "yes" } else { "no" },
                    ends(rule),
                    rule.action,
                )
            } else {
                let by = "by the action it names";
                (by.to_owned(), String::new(), by, String::new(), xid.advice)
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
    match (rule.hold, rule.clears) {
        (Some(hold), Clears::WhenGone) => format!("{what}, {} after its last sign", span_text(hold)),
        (Some(hold), _) => format!("{what}, or {} after its last sign", span_text(hold)),
        (None, _) => what.to_owned(),
    }
}

fn span_text(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page and the engine have one mind of it: an error is what keeps work off the GPU.
    #[test]
    fn a_row_that_is_an_error_condemns_the_gpu_and_no_other_does() {
        let text = xids();
        let rows: Vec<Vec<_>> =
            text.lines().skip(2).map(|row| row.split(" | ").map(str::trim).collect()).collect();
        let mut fatal = 0;
        for row in rows.iter().filter(|row| row[4].starts_with('`')) {
            assert_eq!(row[6], if row[5] == "error" { "yes" } else { "no" }, "{row:?}");
            fatal += usize::from(row[4].ends_with("Fatal`") && row[6] == "yes");
        }
        assert_eq!(fatal, 7, "144 to 150, where the line says so");
        let own = rows.iter().find(|row| row[0] == "| 154").unwrap();
        assert_eq!(own[6], "by the action it names");
    }
}
