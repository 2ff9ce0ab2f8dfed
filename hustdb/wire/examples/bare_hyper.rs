//! The yardstick: bare hyper answering 256 fixed bytes, one current-thread runtime and listener a worker.
//!
//! `bare_hyper [ADDR] [WORKERS]`; compare its CPU a request with that of `hello`.

use std::{convert::Infallible, net::SocketAddr, thread};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use socket2::{Domain, Socket, Type};
use tokio::{net::TcpListener, runtime::Builder};

const BODY: &[u8] = &[b'x'; 256];

async fn answer(_: hyper::Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(BODY))))
}

fn listen(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

async fn serve(listener: std::net::TcpListener) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let address: SocketAddr = args.next().unwrap_or("127.0.0.1:8100".into()).parse()?;
    let workers: usize = args.next().unwrap_or("2".into()).parse()?;
    let mut threads = Vec::new();
    for _ in 0..workers {
        let listener = listen(address)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        threads.push(thread::Builder::new().spawn(move || runtime.block_on(serve(listener)))?);
    }
    for thread in threads {
        thread.join().map_err(|_| "a worker panicked")??;
    }
    Ok(())
}
