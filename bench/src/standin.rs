//! A node in memory for tests: put and get with versions, over real connections, with faults to order. Its rows
//! outlive it, so that a killed one can be started again on them.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

/// Rows by query key: version and value.
pub type Rows = Arc<Mutex<HashMap<String, (u64, Bytes)>>>;

/// Which PUT is applied but never answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The n-th PUT of this node, from 1.
    pub unanswered_put: Option<u64>,
}

/// A running one; dropping it breaks all its connections.
pub struct Standin {
    /// Where it serves.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    rows: Rows,
    faults: Faults,
    puts: Mutex<u64>,
}

impl Standin {
    /// Starts one on `rows`.
    pub fn start(rows: Rows, faults: Faults) -> Standin {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Shared { rows, faults, puts: Mutex::new(0) });
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, shared) => {}
                }
            });
        };
        let thread = thread::Builder::new().name("standin".into()).spawn(run).unwrap();
        Standin { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, shared.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// An error breaks the connection without an answer.
async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let key = request.uri().query().unwrap_or_default().strip_prefix("key=").unwrap_or_default().to_owned();
    if request.method() == Method::GET {
        let rows = shared.rows.lock().unwrap();
        return Ok(match rows.get(&key) {
            Some((version, value)) => respond(200, *version, value.clone()),
            None => respond(404, 0, Bytes::new()),
        });
    }
    let value = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    let mut rows = shared.rows.lock().unwrap();
    let row = rows.entry(key).or_default();
    *row = (row.0 + 1, value);
    let mut puts = shared.puts.lock().unwrap();
    *puts += 1;
    if shared.faults.unanswered_put == Some(*puts) {
        return Err(std::io::ErrorKind::BrokenPipe.into());
    }
    Ok(respond(200, row.0, Bytes::new()))
}

fn respond(status: u16, version: u64, body: Bytes) -> Response<Full<Bytes>> {
    Response::builder().status(status).header("Version", version).body(Full::new(body)).unwrap()
}

#[test]
fn load_fills_and_reads_at_a_rate() {
    use crate::load::{Client, fill, get_target, open_loop, put_target};
    let rows = Rows::default();
    let node = Standin::start(rows.clone(), Faults::default());
    fill(node.address, put_target, 700, 64, 4, 3).unwrap();
    assert_eq!(rows.lock().unwrap().len(), 700);
    let mut client = Client::connect(node.address).unwrap();
    let answer = client.get(&get_target(&crate::workload::text_key(699))).unwrap();
    assert!(crate::workload::is_value_of(699, 64, answer.body));
    let target = |n| get_target(&crate::workload::text_key(n % 700));
    let seen = open_loop(node.address, 500.0, 0.2, 8, target).unwrap();
    assert!(seen.p50_us > 0 && seen.p999_us >= seen.p99_us && seen.p99_us >= seen.p50_us, "{seen:?}");
    assert!(open_loop(node.address, 500.0, 0.1, 2, |_| get_target("none")).is_err());
}

#[test]
fn a_mix_reads_what_it_wrote() {
    use crate::{
        load::{Asker, Client, Messages, Mix, Records, closed_mix, fill, open_mix, put_target},
        workload::Choice,
    };
    let node = Standin::start(Rows::default(), Faults::default());
    fill(node.address, put_target, 100, 64, 2, 3).unwrap();
    let askers = |count: u64| {
        let values = Arc::new(Messages::new(4, 64));
        let asker = |_| Asker::new(Records::Http(Client::connect(node.address).unwrap()), values.clone());
        (0..count).map(asker).collect::<Vec<_>>()
    };
    let mix = Mix { choice: Choice::Uniform(100), writes: 50, seed: 5 };
    let (count, seconds) = closed_mix(askers(3), &mix, 0.1).unwrap();
    assert!(count > 0 && seconds >= 0.1, "{count} in {seconds}");
    assert!(open_mix(askers(2), &mix, 200.0, 0.1).unwrap().p50_us > 0);
    let absent = Mix { choice: Choice::Uniform(1000), writes: 0, ..mix };
    assert!(closed_mix(askers(1), &absent, 5.0).is_err());
}
