//! Fills the README's reference parts from the agent's own tables: `readme README AGENT`, rewriting the file.

use std::path::PathBuf;
use std::process::ExitCode;

use gpunode_tests::{process, readme};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(file), Some(agent)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: readme README AGENT");
        return ExitCode::from(2);
    };
    let reference = |topic: &str| {
        let words = [agent.as_os_str(), "reference".as_ref(), topic.as_ref()];
        let output = process::output(10, words);
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    let written = std::fs::read_to_string(&file)
        .map(|text| readme::filled(&text, reference))
        .and_then(|text| std::fs::write(&file, text));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("readme: {}: {error}", file.display());
            ExitCode::FAILURE
        }
    }
}
