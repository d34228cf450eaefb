//! A server on loopback that says what it is told to, whatever it is asked.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What is said on each connection.
#[derive(Clone)]
pub enum Script {
    /// One of these after each request, the last of them again and again: HTTP, a status and a body.
    Http(Vec<(u16, Vec<u8>)>),
    /// These bytes, and the end, as soon as something was asked, if it waits for that.
    Raw { bytes: Vec<u8>, waits: bool },
}

/// The server.
pub struct Loopback {
    pub port: u16,
    script: Arc<Mutex<(Script, usize)>>,
}

impl Loopback {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Mutex::new((Script::Http(Vec::new()), 0)));
        let told = Arc::clone(&script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = Arc::clone(&told);
                thread::spawn(move || drop(serve(&stream, &told)));
            }
        });
        Self { port, script }
    }

    /// From now on it says this.
    pub fn says(&self, script: Script) {
        *self.script.lock().unwrap() = (script, 0);
    }

    /// How often it was asked since.
    pub fn asked(&self) -> usize {
        self.script.lock().unwrap().1
    }
}

fn serve(mut stream: &TcpStream, told: &Mutex<(Script, usize)>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let now = told.lock().unwrap().0.clone();
        if let Script::Raw { bytes, waits } = now {
            if !waits || request(stream)? {
                told.lock().unwrap().1 += 1;
                // It may be gone already.
                let _ = stream.write_all(&bytes);
            }
            stream.shutdown(Shutdown::Write)?;
            return std::io::copy(&mut stream, &mut std::io::sink()).map(drop);
        }
        if !request(stream)? {
            return Ok(());
        }
        let (status, body) = {
            let (script, asked) = &mut *told.lock().unwrap();
            let Script::Http(replies) = script else { return Ok(()) };
            *asked += 1;
            replies.get(*asked - 1).or_else(|| replies.last()).cloned().unwrap_or_else(|| (500, Vec::new()))
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat())?;
    }
}

/// Reads one request to its end; whether there was one.
fn request(mut stream: &TcpStream) -> std::io::Result<bool> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if head.len() >= end + 4 + length.unwrap_or(0) {
                return Ok(true);
            }
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(false),
            count => head.extend_from_slice(&chunk[..count]),
        }
    }
}
