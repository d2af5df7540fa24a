//! The parts of the README that the agent's own tables make.

use std::fmt::Write as _;

/// The README with the text between `<!-- reference: TOPIC -->` and `<!-- end -->` made anew by `text`.
pub fn filled(readme: &str, text: impl Fn(&str) -> String) -> String {
    const BEGIN: &str = "<!-- reference: ";
    const END: &str = "<!-- end -->";
    let mut filled = String::new();
    let mut rest = readme;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let Some((topic, after)) = after.split_once(" -->") else { break };
        let Some((_, after)) = after.split_once(END) else { break };
        let _ = write!(filled, "{before}{BEGIN}{topic} -->\n{}\n{END}", text(topic).trim());
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_is_between_the_marks_changes() {
        let readme = "a\n<!-- reference: x -->\nold\n<!-- end -->\nb\n";
        let filled = super::filled(readme, |topic| format!("new {topic}\n"));
        assert_eq!(filled, "a\n<!-- reference: x -->\nnew x\n<!-- end -->\nb\n");
        assert_eq!(super::filled(&filled, |topic| format!("new {topic}\n")), filled);
    }
}
