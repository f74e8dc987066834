//! One list and watch, kept alive: what every live view stands on.
//!
//! kube's watcher follows resource versions and lists again after 410; this adds a limit on silent lists, backing
//! off, the state that the screens show, and the end by a token. A cut connection is not a fault by itself: only a
//! failed attempt to connect again is.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::fault::Fault;
use super::objects::WatchState;

/// How long a list may be silent between two of its pages.
const SILENCE: Duration = Duration::from_secs(30);

/// How long one watch call lasts before it is renewed; also bounds how late a dead connection is noticed.
const RENEW_SECONDS: u32 = 120;

/// What a feed reports.
#[derive(Debug)]
pub(crate) enum Feed<K> {
    /// The complete list: whatever is not in it is gone, and the feed is live from here.
    Replace(Vec<K>),
    Apply(Box<K>),
    Delete(Box<K>),
    State(WatchState),
}

/// What a feed watches.
pub(crate) struct Plan {
    /// The number it reports under.
    pub(crate) source: usize,
    /// Completes "not allowed to …".
    pub(crate) doing: String,
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
    /// Whether who wrote what is kept.
    pub(crate) writers: bool,
}

/// Times between attempts: doubled up to half a minute, without a clock of its own, so that tests may pause time.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: Self::FIRST }
    }
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LAST: Duration = Duration::from_secs(30);

    pub(crate) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(Self::LAST);
        now
    }

    pub(crate) fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}

/// Lists and watches until the token is cancelled or nobody listens.
pub(crate) async fn run<K>(
    api: Api<K>,
    plan: Plan,
    connection: Connection,
    out: mpsc::Sender<(usize, Feed<K>)>,
    cancel: CancellationToken,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    tokio::select! {
        biased;
        () = cancel.cancelled() => {}
        () = out.closed() => {}
        _ = forever(api, &plan, &connection, &out) => {}
    }
}

/// Ends only with `Err` when the receiver is gone.
async fn forever<K>(
    api: Api<K>,
    plan: &Plan,
    connection: &Connection,
    out: &mpsc::Sender<(usize, Feed<K>)>,
) -> Result<(), mpsc::error::SendError<(usize, Feed<K>)>>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let send = |feed| out.send((plan.source, feed));
    let mut config = watcher::Config::default().timeout(RENEW_SECONDS);
    config.label_selector.clone_from(&plan.labels);
    config.field_selector.clone_from(&plan.fields);
    let mut backoff = Backoff::default();
    loop {
        let mut stream = pin!(watcher(api.clone(), config.clone()));
        // `Some` while a list is under way.
        let mut listing: Option<Vec<K>> = Some(Vec::new());
        let fault = loop {
            let next = if listing.is_some() {
                match tokio::time::timeout(SILENCE, stream.next()).await {
                    Ok(next) => next,
                    Err(_) => break Fault::TimedOut { doing: plan.doing.clone(), limit: SILENCE },
                }
            } else {
                stream.next().await
            };
            match next {
                Some(Ok(event)) => match event.modify(|object| slim(object, plan.writers)) {
                    Event::Init => listing = Some(Vec::new()),
                    Event::InitApply(object) => {
                        if let Some(listing) = &mut listing {
                            listing.push(object);
                        }
                    }
                    Event::InitDone => {
                        backoff.reset();
                        send(Feed::Replace(listing.take().unwrap_or_default())).await?;
                    }
                    Event::Apply(object) => send(Feed::Apply(Box::new(object))).await?,
                    Event::Delete(object) => send(Feed::Delete(Box::new(object))).await?,
                },
                Some(Err(error)) => {
                    if let Some(fault) = read(&error, plan, connection) {
                        break fault;
                    }
                }
                None => {
                    break Fault::Unreadable {
                        doing: plan.doing.clone(),
                        cause: "the watch ended".to_owned(),
                    };
                }
            }
        };
        send(Feed::State(WatchState::Failed(fault))).await?;
        tokio::time::sleep(backoff.next()).await;
    }
}

/// The fault behind a watcher's error; `None` for what the watcher mends itself on the next step.
fn read(error: &watcher::Error, plan: &Plan, connection: &Connection) -> Option<Fault> {
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => match error {
            // Too old a version: it lists again.
            kube::Error::Api(status) if status.code == 410 => None,
            error => Some(connection.fault(&plan.doing, error)),
        },
        watcher::Error::WatchError(status) if status.code == 410 => None,
        watcher::Error::WatchError(status) => Some(connection.status_fault(&plan.doing, status)),
        watcher::Error::WatchFailed(_) => None,
        watcher::Error::NoResourceVersion => Some(Fault::Unreadable {
            doing: plan.doing.clone(),
            cause: "the server gave no resource version".to_owned(),
        }),
    }
}

/// What nobody shows and what is often larger than the rest.
fn slim<K: Resource>(object: &mut K, writers: bool) {
    let meta = object.meta_mut();
    if !writers {
        meta.managed_fields = None;
    }
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}
