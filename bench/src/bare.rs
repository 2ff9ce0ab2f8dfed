//! A bare hyper server: answers every GET with the same bytes from memory, reads the body of everything else and
//! answers 200 without one. It is what HTTP itself costs with this library, so 1.0x by definition.
//!
//! One current-thread runtime a thread, each with a listener of its own on the same port (`SO_REUSEPORT`).

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use socket2::{Domain, Socket, Type};

use crate::{store::Failure, workload::Values};

/// Serves until the process is killed; prints where.
pub fn serve(port: u16, size: usize, threads: usize) -> Result<(), Failure> {
    let body = Bytes::copy_from_slice(&Values::new(1).next(0, size)[..size.min(1 << 20)]);
    let first = listen(port)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..threads {
        listeners.push(listen(address.port())?);
    }
    println!("bare listening on {address}");
    let threads: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            let body = body.clone();
            thread::Builder::new().name("bare".into()).spawn(move || run(listener, body))
        })
        .collect();
    for thread in threads {
        thread?.join().map_err(|_| "a server thread panicked")??;
    }
    Ok(())
}

fn listen(port: u16) -> Result<TcpListener, Failure> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

fn run(listener: TcpListener, body: Bytes) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let body = body.clone();
            tokio::task::spawn_local(async move {
                let service = service_fn(move |request| answer(request, body.clone()));
                // The client went away; nobody is left to tell.
                let _ = http1::Builder::new()
                    .pipeline_flush(true)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
}

async fn answer(request: Request<Incoming>, body: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::GET {
        return Ok(Response::new(Full::new(body)));
    }
    let mut incoming = request.into_body();
    while let Some(Ok(frame)) = incoming.frame().await {
        drop(frame);
    }
    Ok(Response::new(Full::default()))
}
