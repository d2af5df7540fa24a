//! A proxy that knows CONNECT.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::read;

/// A proxy; each host it was asked for is kept.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Lets everything through, or with `refuses` nothing.
    pub fn start(refuses: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = Arc::clone(&proxy.asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&asked);
                thread::spawn(move || tunnel(stream, &asked, refuses));
            }
        });
        proxy
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `METHOD HOST:PORT` of each request.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn tunnel(mut client: TcpStream, asked: &Mutex<Vec<String>>, refuses: bool) -> Option<()> {
    let request = read(&mut client)?;
    asked.lock().unwrap().push(format!("{} {}", request.method, request.path));
    if refuses || request.method != "CONNECT" {
        return client.write_all(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n").ok();
    }
    let mut server = TcpStream::connect(&request.path).ok()?;
    client.write_all(b"HTTP/1.1 200 yes\r\n\r\n").ok()?;
    let (mut up, mut down) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut up, &mut down);
        let _ = down.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    client.shutdown(Shutdown::Write).ok()
}
