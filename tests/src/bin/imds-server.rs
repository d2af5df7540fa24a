//! A metadata service for a test machine.
//!
//! Usage: `imds-server LISTEN METADATA_JSON [USER_DATA|-] [FILES_FOLDER]`. LISTEN is an address with a port;
//! `METADATA_JSON` holds a `gpunode_host::metadata::Metadata`; `-` means no user data. Prints its endpoint once
//! it listens, and serves until it is killed.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use gpunode_imds::server::{Content, Server, tree};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (listen, metadata, rest) = match arguments.as_slice() {
        [listen, metadata, rest @ ..] if rest.len() <= 2 => (listen, metadata, rest),
        _ => return Err("usage: imds-server LISTEN METADATA_JSON [USER_DATA|-] [FILES_FOLDER]".into()),
    };
    let json = std::fs::read(metadata).map_err(|error| format!("{metadata}: {error}"))?;
    let metadata = serde_json::from_slice(&json).map_err(|error| format!("{metadata}: {error}"))?;
    let user_data = match rest.first().map(String::as_str) {
        None | Some("-") => None,
        Some(path) => Some(std::fs::read(path).map_err(|error| format!("{path}: {error}"))?),
    };
    let content =
        Content { tree: tree(&metadata, user_data.as_deref()), files: rest.get(1).map(PathBuf::from) };
    let address = listen.parse().map_err(|error| format!("{listen}: {error}"))?;
    let server = Server::start(address, content)?;
    println!("{}", server.endpoint());
    std::io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}
