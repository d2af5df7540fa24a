//! The README and the pages beside it say what the program says.

use gpunode_tests::{binary, process, readme};

#[test]
fn the_reference_is_the_program_s_own() {
    let agent = binary::agent();
    let reference = |topic: &str| {
        let output = process::output(10, [agent.as_os_str(), "reference".as_ref(), topic.as_ref()]).unwrap();
        assert!(output.status.success(), "reference {topic}");
        String::from_utf8(output.stdout).unwrap()
    };
    let pages = [
        ("README.md", include_str!("../../README.md")),
        ("agent/RULES.md", include_str!("../../agent/RULES.md")),
        ("agent/CHECK.md", include_str!("../../agent/CHECK.md")),
    ];
    for (name, text) in pages {
        let same = readme::filled(text, reference) == text;
        assert!(same, "{name} is not up to date: run `cargo xtask readme`");
    }
}
