//! An API server that answers as a test says: for the faults that a real one will not give on demand.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::connection::Connection;

/// What the server does with a request.
pub(crate) enum Reply {
    Json(u16, Value),
    /// A watch: these events, then the end of the stream.
    Events(Vec<Value>),
    Text(String),
    /// Never answers.
    Hang,
}

impl Reply {
    /// A `Status` as the API server refuses with.
    pub(crate) fn refuse(code: u16, reason: &str, message: &str) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {},
            "code": code, "reason": reason, "message": message,
        });
        Self::Json(code, status)
    }

    pub(crate) fn list(kind: &str, items: &[Value]) -> Self {
        Self::Json(
            200,
            json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "10"}, "items": items}),
        )
    }
}

/// The requests so far, as `METHOD /path?query`.
pub(crate) type Calls = Arc<Mutex<Vec<String>>>;

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, std::io::Error>> + Send>>;

/// A connection to a server that answers by `handler` (method, path, query).
pub(crate) fn connection(
    handler: impl Fn(&str, &str, &str) -> Reply + Send + Sync + 'static,
) -> (Connection, Calls) {
    let calls = Calls::default();
    let seen = Arc::clone(&calls);
    let service = tower::service_fn(move |request: Request<Body>| -> Answer {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let query = request.uri().query().unwrap_or_default().to_owned();
        if let Ok(mut seen) = seen.lock() {
            seen.push(format!("{method} {path}?{query}"));
        }
        let reply = handler(&method, &path, &query);
        Box::pin(async move {
            let (code, bytes) = match reply {
                Reply::Json(code, value) => (code, value.to_string().into_bytes()),
                Reply::Text(text) => (200, text.into_bytes()),
                Reply::Events(events) => {
                    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
                    (200, format!("{}\n", lines.join("\n")).into_bytes())
                }
                Reply::Hang => std::future::pending().await,
            };
            Response::builder().status(code).body(Body::from(bytes)).map_err(std::io::Error::other)
        })
    });
    (Connection::fake(Client::new(service, "default")), calls)
}

/// Waits until the latest value of a watch satisfies a predicate.
pub(crate) async fn until<T: Clone>(
    receiver: &mut tokio::sync::watch::Receiver<T>,
    what: &str,
    predicate: impl FnMut(&T) -> bool,
) -> T {
    let waited = tokio::time::timeout(Duration::from_mins(2), receiver.wait_for(predicate)).await;
    match waited {
        Ok(Ok(value)) => value.clone(),
        Ok(Err(_)) => unreachable!("the watch ended before: {what}"),
        Err(_) => unreachable!("never came: {what}"),
    }
}
