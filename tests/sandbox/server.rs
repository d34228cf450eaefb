//! The listeners: one port a cloud, HTTP/1.1 over TCP or TLS, and the faults that happen below HTTP.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, StreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request as HyperRequest, Response};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::accounts::{Account, Holder};
use super::catalogue::{Certificate, Trouble};
use super::edit::{Edit, Lie};
use super::fault::{DRIP, Fault, Faults};
use super::signature::{Key, Refusal};
use super::socket::{Line, Socket};
use super::wire::{Payload, Received, Reply};
use super::{Cloud, Options, Request, jdcloud};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, Failure>;

/// What one call is answered from.
pub(crate) struct Call<'c> {
    pub(crate) request: &'c Received,
    pub(crate) operation: &'c str,
    pub(crate) holder: &'c Holder,
    /// What the account holds while this call is answered.
    pub(crate) certificates: &'c [Certificate],
    pub(crate) options: &'c Options,
    cloud: Cloud,
    /// Put into every certificate that is handed out.
    tampered: Option<Trouble>,
    /// Whether the answer is to be about another certificate than was asked for.
    is_another: bool,
    lie: Option<Lie>,
}

impl Call<'_> {
    pub(crate) fn certificate(&self, id: &str) -> Option<Certificate> {
        let held = |certificate: &&Certificate| certificate.id == id && !certificate.id.is_empty();
        let found = self.certificates.iter().find(held)?;
        let other = |other: &&Certificate| other.names != found.names && other.downloadable();
        let other = self.certificates.iter().find(other).filter(|_| self.is_another);
        let mut certificate = other.unwrap_or(found).clone();
        certificate.trouble = self.tampered.or(certificate.trouble);
        Some(certificate)
    }

    /// One page of what the account lists, and the total that it names.
    pub(crate) fn page<'l>(
        &self,
        listed: &[&'l Certificate],
        offset: usize,
        limit: usize,
    ) -> (Vec<&'l Certificate>, usize) {
        match self.lie {
            Some(lie) => lie.page(listed, offset, limit),
            None => self.holder.page(listed, offset, limit),
        }
    }

    /// The greatest page: what was asked of the sandbox, else the cloud's own.
    pub(crate) fn page_cap(&self, own: usize) -> usize {
        self.options.page_caps.iter().find(|(cloud, _)| *cloud == self.cloud).map_or(own, |(_, cap)| *cap)
    }
}

/// One cloud while the sandbox runs.
pub(crate) struct Served {
    pub(crate) cloud: Cloud,
    pub(crate) holders: Vec<Holder>,
    keys: Vec<Key>,
    options: Arc<Options>,
    faults: Mutex<Faults>,
    log: Mutex<Vec<Request>>,
    nonces: Mutex<HashSet<String>>,
    recent: Mutex<HashMap<(String, String), VecDeque<Instant>>>,
    /// Whether anybody is to listen, and whether somebody does.
    open: watch::Sender<bool>,
    listening: AtomicBool,
}

impl Served {
    pub(crate) fn new(cloud: Cloud, holders: Vec<Holder>, options: Arc<Options>) -> Self {
        Self {
            cloud,
            keys: holders.iter().map(|holder| holder.key.clone()).collect(),
            holders,
            options,
            faults: Mutex::default(),
            log: Mutex::default(),
            nonces: Mutex::default(),
            recent: Mutex::default(),
            open: watch::Sender::new(true),
            listening: AtomicBool::new(true),
        }
    }

    /// Changes the faults; when this returns, the port is open or closed as they want it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Faults)) {
        let open = {
            let mut faults = self.faults.lock().unwrap();
            change(&mut faults);
            !faults.refused()
        };
        self.open.send_replace(open);
        let since = Instant::now();
        while self.listening.load(Ordering::SeqCst) != open && since.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn seen(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    pub(crate) fn log_since(&self, seen: usize) -> Vec<Request> {
        self.log.lock().unwrap().iter().skip(seen).cloned().collect()
    }

    fn now(&self) -> Timestamp {
        let skew = SignedDuration::from_secs(self.faults.lock().unwrap().skew());
        Timestamp::now().checked_add(self.options.clock_offset).unwrap().checked_add(skew).unwrap()
    }

    fn judge(&self, request: &Received, now: Timestamp) -> Result<&Holder, Refusal> {
        let key = (self.cloud.service().verify)(request, &self.keys, now)?;
        let nonce = if self.cloud == Cloud::Jdcloud { jdcloud::nonce(request) } else { None };
        if nonce.is_some_and(|nonce| !self.nonces.lock().unwrap().insert(nonce)) {
            return Err(Refusal::Replayed);
        }
        Ok(self.holders.iter().find(|holder| holder.key.access_key == key.access_key).unwrap())
    }

    /// Whether this is one request too many in a second. A client that spreads its requests evenly may be a little
    /// early now and then: the second is 0.95 s long.
    fn too_many(&self, holder: &Holder, operation: &str) -> bool {
        let limit = (self.cloud.service().per_second)(operation).filter(|_| self.options.rates);
        let Some(limit) = limit else { return false };
        let mut recent = self.recent.lock().unwrap();
        let times = recent.entry((holder.key.access_key.clone(), operation.to_owned())).or_default();
        times.retain(|time| time.elapsed() < Duration::from_millis(950));
        let full = times.len() >= limit as usize;
        if !full {
            times.push_back(Instant::now());
        }
        full
    }

    /// The certificates with the dates that the cloud tells.
    fn told(&self, held: Arc<Vec<Certificate>>) -> Arc<Vec<Certificate>> {
        let Some((_, late)) = self.options.late_dates.iter().find(|(cloud, _)| *cloud == self.cloud) else {
            return held;
        };
        let later = |time: Timestamp| time.checked_add(*late).unwrap();
        let mut told = held.to_vec();
        for certificate in &mut told {
            certificate.validity = certificate.validity.map(|(from, to)| (later(from), later(to)));
        }
        Arc::new(told)
    }

    /// What no cloud has: `curl -X POST ENDPOINT/renew` renews the healthy account's certificate for www, so that
    /// whoever works in the sandbox's shell can see it happen.
    fn renew(&self) -> Reply {
        let healthy = self.holders.iter().find(|holder| holder.account == Account::Healthy).unwrap();
        let held = healthy.certificates();
        let old = held.iter().rfind(|certificate| certificate.domain.starts_with("www.")).unwrap();
        let new = healthy.renew(&old.id, None, None);
        Reply::new(200, "text/plain", format!("{} is renewed: {} follows {}\n", old.domain, new.id, old.id))
    }

    /// What goes back, and the fault that is to happen to it.
    fn answer(&self, request: &Received) -> (Reply, Option<Fault>) {
        if request.method == "POST" && request.path() == "/renew" {
            return (self.renew(), None);
        }
        let service = self.cloud.service();
        let now = self.now();
        let judged = self.judge(request, now);
        let operation = (service.operation)(request);
        let fault = self.faults.lock().unwrap().take(&operation);
        let tampered = match fault {
            Some(Fault::WrongKey) => Some(Trouble::WrongKey),
            Some(Fault::MissingIntermediate) => Some(Trouble::MissingIntermediate),
            _ => None,
        };
        let reply = match (&fault, &judged) {
            (Some(Fault::Html | Fault::Page(_) | Fault::Empty | Fault::InvalidUtf8 | Fault::DeepJson), _)
            | (Some(Fault::Status(300..400)), _) => elsewhere(fault.as_ref()),
            (Some(Fault::Status(status)), _) => (service.failure)(*status),
            (Some(Fault::RetryAfter(status, seconds)), _) => {
                (service.failure)(*status).with("retry-after", seconds.to_string())
            }
            (Some(Fault::Busy), _) => (service.busy)(),
            (_, Err(refusal)) => (service.refuse)(refusal),
            (_, Ok(holder)) if self.too_many(holder, &operation) => (service.busy)(),
            (_, Ok(holder)) => (service.answer)(&Call {
                request,
                operation: &operation,
                holder,
                certificates: &self.told(holder.certificates()),
                options: &self.options,
                cloud: self.cloud,
                tampered,
                is_another: fault == Some(Fault::Another),
                lie: if let Some(Fault::Edit(Edit::Listing(lie))) = fault { Some(lie) } else { None },
            }),
        };
        let meant = match &reply.body {
            Payload::Whole(bytes) => Bytes::from(bytes.clone()),
            _ => Bytes::new(),
        };
        if let Some(mut log) = self.options.log.as_deref() {
            // In one piece: the clouds write at the same time.
            let (at, cloud, status) = (Timestamp::now(), self.cloud, reply.status);
            log.write_all(format!("{at} {cloud:?} {operation:?} {status}\n").as_bytes()).unwrap();
        }
        self.log.lock().unwrap().push(Request {
            method: request.method.clone(),
            path: request.path().to_owned(),
            query: request.query().to_owned(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            operation,
            account: judged.as_ref().ok().map(|holder| holder.account),
            verdict: judged.map(drop),
            fault: fault.clone(),
            status: reply.status,
            reply: meant,
            at: Timestamp::now(),
        });
        let reply = match &fault {
            Some(Fault::Edit(edit)) => edit.apply(service.listing, reply),
            _ => reply,
        };
        (reply.with("date", now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()), fault)
    }
}

/// Replies that are no cloud's.
fn elsewhere(fault: Option<&Fault>) -> Reply {
    const PORTAL: &str =
        "<!DOCTYPE html><html><head><title>Guest Wi-Fi</title></head><body>Please log in</body></html>";
    match fault {
        Some(Fault::Html) => Reply::new(200, "text/html; charset=utf-8", PORTAL),
        Some(Fault::Page(status)) => Reply::new(*status, "text/html; charset=utf-8", PORTAL),
        Some(Fault::Status(status)) => {
            Reply::new(*status, "text/html", PORTAL).with("location", "http://portal.example/login")
        }
        Some(Fault::InvalidUtf8) => Reply::new(200, "application/json", b"{\"requestId\":\"\xff\xfe\"}".as_slice()),
        Some(Fault::DeepJson) => Reply::new(200, "application/json", "[".repeat(100_000) + &"]".repeat(100_000)),
        _ => Reply::new(200, "application/json", ""),
    }
}

/// Binds a port for the cloud and serves it until the runtime ends.
pub(crate) fn serve(
    runtime: &tokio::runtime::Runtime,
    served: Arc<Served>,
    tls: Option<TlsAcceptor>,
) -> std::io::Result<SocketAddr> {
    // Not by the runtime: the caller may be inside one of its own.
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let _entered = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    runtime.spawn(listen(served, listener, address, tls));
    Ok(address)
}

async fn listen(served: Arc<Served>, mut listener: TcpListener, address: SocketAddr, tls: Option<TlsAcceptor>) {
    let mut open = served.open.subscribe();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(converse(Arc::clone(&served), stream, tls.clone()));
                }
            }
            _ = async { open.wait_for(|open| !open).await.is_ok() } => {
                drop(listener);
                served.listening.store(false, Ordering::SeqCst);
                if open.wait_for(|open| *open).await.is_err() {
                    return;
                }
                listener = match TcpListener::bind(address).await {
                    Ok(listener) => listener,
                    Err(_) => return,
                };
                served.listening.store(true, Ordering::SeqCst);
            }
        }
    }
}

/// One connection.
async fn converse(served: Arc<Served>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    drop(stream.set_nodelay(true));
    let line = Arc::new(Line::default());
    let socket = Socket { stream, line: Arc::clone(&line), sent: 0 };
    let service = service_fn(move |request| reply(Arc::clone(&served), Arc::clone(&line), request));
    let http = hyper::server::conn::http1::Builder::new();
    // How a connection ends is the client's affair.
    match tls {
        None => drop(http.serve_connection(TokioIo::new(socket), service).await),
        Some(tls) => {
            if let Ok(socket) = tls.accept(socket).await {
                drop(http.serve_connection(TokioIo::new(socket), service).await);
            }
        }
    }
}

async fn reply(
    served: Arc<Served>,
    line: Arc<Line>,
    request: HyperRequest<Incoming>,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let received = Received {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body: body.collect().await?.to_bytes().to_vec(),
    };
    let (mut reply, fault) = served.answer(&received);
    tokio::time::sleep(served.options.latency).await;
    let Payload::Whole(bytes) = reply.body.clone() else { return Err("a reply is whole at first".into()) };
    match fault {
        Some(Fault::Refused | Fault::Reset) => {
            line.reset.store(true, Ordering::SeqCst);
            return Err("reset".into());
        }
        Some(Fault::Wire(wire)) => {
            *line.raw.lock().unwrap() = Some(wire.raw(&bytes));
            return Ok(Response::builder()
                .header("connection", "close")
                .body(payload(Payload::Whole(Vec::new()), line))?);
        }
        Some(Fault::Bomb(packing)) => {
            reply.body = Payload::Whole(packing.bomb());
            reply = reply.with("content-encoding", packing.word());
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::ResetMidReply) => reply.body = Payload::Reset(bytes),
        Some(Fault::Truncated) => reply.body = Payload::Truncated(bytes),
        Some(Fault::Drip) => reply.body = Payload::Drip(bytes),
        Some(Fault::Endless) => reply.body = Payload::Endless,
        Some(Fault::Gzip) => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&bytes)?;
            reply.body = Payload::Whole(encoder.finish()?);
            reply = reply.with("content-encoding", "gzip");
        }
        _ => {}
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let length = |bytes: &[u8]| bytes.len().max(2).to_string();
    match &reply.body {
        Payload::Truncated(bytes) | Payload::Reset(bytes) => {
            response = response.header("content-length", length(bytes));
        }
        _ => {}
    }
    Ok(response.body(payload(reply.body, line))?)
}

fn payload(body: Payload, line: Arc<Line>) -> Body {
    let data = |bytes: Vec<u8>| Ok::<_, Failure>(Frame::data(Bytes::from(bytes)));
    match body {
        Payload::Whole(bytes) => Full::from(bytes).map_err(|never| match never {}).boxed_unsync(),
        Payload::Truncated(mut bytes) => {
            bytes.truncate(bytes.len() / 2);
            let end = stream::once(settled()).filter_map(async |()| None);
            StreamBody::new(stream::iter([data(bytes)]).chain(end)).boxed_unsync()
        }
        Payload::Reset(mut bytes) => {
            bytes.truncate(bytes.len() / 2);
            let cut = stream::once(async move {
                settled().await;
                line.reset.store(true, Ordering::SeqCst);
                Err("reset".into())
            });
            StreamBody::new(stream::iter([data(bytes)]).chain(cut)).boxed_unsync()
        }
        Payload::Drip(bytes) => {
            let drops = stream::iter(bytes).then(move |byte| async move {
                tokio::time::sleep(DRIP).await;
                Ok::<_, Failure>(Frame::data(Bytes::from(vec![byte])))
            });
            StreamBody::new(drops).boxed_unsync()
        }
        Payload::Endless => {
            let start = stream::iter([data(b"{\"requestId\":\"".to_vec())]);
            let more = stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[b'x'; 1 << 16]))));
            StreamBody::new(start.chain(more)).boxed_unsync()
        }
    }
}

/// What was written is to be sent and read before the connection's end overtakes it.
async fn settled() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
