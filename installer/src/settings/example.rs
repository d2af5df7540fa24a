//! The file that `init` writes.

use std::fmt::Write;

use super::table::{Preset, SECTIONS};

/// Columns of the comments.
const WIDTH: usize = 110;

/// A commented `.env`: what must be set stands empty, everything else stands behind `#` with its default.
pub fn example() -> String {
    let mut text = String::from(
        "# Settings of the installer. `installer config check` says what is wrong with them, all at once.\n\
         # A variable of the same name in the environment wins. ${NAME} is an earlier value. Booleans: true/1/yes,\n\
         # false/0/no. GPUNODE_… variables (`gpunode-agent reference settings`) may stand here too: nodes get them.\n",
    );
    for section in SECTIONS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n# ---- {}", section.title);
        for setting in section.settings {
            text.push('\n');
            comment(&mut text, setting.about);
            comment(&mut text, &format!("Allowed: {}", setting.kind.allowed()));
            let _ = match setting.default {
                Preset::Required => writeln!(text, "{}=", setting.name),
                Preset::None | Preset::Is("") => writeln!(text, "#{}=", setting.name),
                Preset::Is(value) => writeln!(text, "#{}={value}", setting.name),
                Preset::Same(other) => writeln!(text, "#{}=${{{other}}}", setting.name),
            };
        }
    }
    text
}

fn comment(text: &mut String, about: &str) {
    let mut column = WIDTH;
    for word in about.split(' ') {
        if column + 1 + word.chars().count() > WIDTH {
            text.push_str(if text.ends_with('\n') { "#" } else { "\n#" });
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.chars().count();
    }
    text.push('\n');
}
