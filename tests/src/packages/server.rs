//! A web server for a repository, which can break off.
#![expect(clippy::unwrap_used, reason = "a test without its server has failed")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// When an answer is broken off in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Never.
    Never,
    /// The first so many answers with a package.
    Packages(usize),
    /// Every answer, the index too.
    All,
}

/// A web server for the files below a folder; it ends with the test program.
#[derive(Debug)]
pub struct Files {
    port: u16,
    cuts: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

impl Files {
    /// Starts it on the loopback interface.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn serve(folder: &Path, cut: Cut) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let [cuts, asked] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let requests = Arc::clone(&asked);
        let (folder, counter) = (folder.to_owned(), Arc::clone(&cuts));
        // Not in threads of the test's own, whose mounts it needs: the caller's thread is where it is started from.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                requests.fetch_add(1, Ordering::Relaxed);
                let (folder, counter) = (folder.clone(), Arc::clone(&counter));
                thread::spawn(move || drop(answer(stream, &folder, cut, &counter)));
            }
        });
        Self { port, cuts, asked }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// How many answers were broken off.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

fn answer(mut stream: TcpStream, folder: &Path, cut: Cut, cuts: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').trim_start_matches("./");
    // The one character in the packages' names that apt writes in another way.
    let file: PathBuf = folder.join(path.replace("%2b", "+").replace("%2B", "+"));
    let Ok(bytes) = fs::read(&file) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let is_package = file.extension().is_some_and(|ending| ending == "rpm" || ending == "deb");
    let breaks_off = match cut {
        Cut::Never => false,
        Cut::All => true,
        Cut::Packages(most) => is_package && cuts.load(Ordering::Relaxed) < most,
    };
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len())?;
    if breaks_off {
        cuts.fetch_add(1, Ordering::Relaxed);
        return stream.write_all(&bytes[..bytes.len() / 2]);
    }
    stream.write_all(&bytes)
}
