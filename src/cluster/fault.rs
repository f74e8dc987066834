//! Why a cluster did not answer as hoped. The screens branch on the kind (a login is offered, a pane says what is
//! forbidden), so it is an enum; as text it becomes a [`base::Error`](crate::base::Error).

use std::path::PathBuf;
use std::time::Duration;

use kube::core::Status;

use crate::base::Error;
use crate::base::text::neutralise;

/// What went wrong between us and a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no kubeconfig at any of these places.
    NoKubeconfig { tried: Vec<PathBuf> },
    /// A kubeconfig exists and cannot be read.
    BadKubeconfig { path: PathBuf, cause: String },
    /// The kubeconfig has no such context, or the context names what is not there.
    NoContext { context: String, cause: String },
    /// Nobody answers there, or the connection cannot be trusted.
    Unreachable { server: String, cause: String },
    /// The server took the call and did not answer in time.
    TimedOut { doing: String, limit: Duration },
    /// The server does not know who we are: expired or missing credentials. `command` is what a person runs to
    /// log in, where the kubeconfig names a program for it.
    NeedsLogin { command: Option<String>, cause: String },
    /// The server knows us and says no.
    Forbidden { doing: String, cause: String },
    /// The server has no such object.
    NotFound { doing: String, cause: String },
    /// The server does not serve this kind (an absent CRD, a removed API).
    NotServed { api_version: String, kind: String },
    /// Any other refusal of the server.
    Refused { doing: String, code: u16, reason: String, cause: String },
    /// helm keeps its releases where nobody but helm can read them (`HELM_DRIVER`).
    Driver { name: String },
    /// The answer was not what it should be.
    Unreadable { doing: String, cause: String },
}

impl Fault {
    /// One or two words for a list: `unreachable`, `needs login`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoKubeconfig { .. } => "no kubeconfig",
            Self::BadKubeconfig { .. } => "bad kubeconfig",
            Self::NoContext { .. } => "no context",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "no answer",
            Self::NeedsLogin { .. } => "needs login",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not found",
            Self::NotServed { .. } => "not served",
            Self::Refused { .. } => "refused",
            Self::Driver { .. } => "not readable",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Whether nothing at all can be said about the cluster: rows on the screen keep their age.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. } | Self::NeedsLogin { .. })
    }

    /// Reads kube's error. `server` and `login` are what the connection knows of itself.
    pub(crate) fn from_kube(doing: &str, server: &str, login: Option<&str>, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from_status(doing, login, status),
            kube::Error::Service(inner) => match inner.downcast_ref::<CarriedFault>() {
                Some(CarriedFault(fault)) => fault.clone(),
                None => Self::Unreachable { server: server.to_owned(), cause: chain(inner.as_ref()) },
            },
            kube::Error::Auth(inner) => {
                Self::NeedsLogin { command: login.map(str::to_owned), cause: clean(&chain(inner)) }
            }
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) | kube::Error::Discovery(_) => {
                Self::Unreadable { doing: doing.to_owned(), cause: clean(&chain(error)) }
            }
            other => Self::Unreachable { server: server.to_owned(), cause: clean(&chain(other)) },
        }
    }

    /// Reads the API server's refusal.
    pub(crate) fn from_status(doing: &str, login: Option<&str>, status: &Status) -> Self {
        let doing = doing.to_owned();
        let cause = clean(if status.message.is_empty() { &status.reason } else { &status.message });
        match status.code {
            401 => Self::NeedsLogin { command: login.map(str::to_owned), cause },
            403 => Self::Forbidden { doing, cause },
            // Also a path that nobody serves: its answer is no Status, and kube gives it a reason of its own.
            404 => Self::NotFound { doing, cause },
            code => Self::Refused { doing, code, reason: clean(&status.reason), cause },
        }
    }
}

/// Brings a fault through kube's boxed service errors and back out in [`Fault::from_kube`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CarriedFault(pub(crate) Fault);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&Error::from(self.clone()).headline())
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoKubeconfig { tried } => {
                let tried: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
                Error::new(format!("no kubeconfig found (tried {})", tried.join(", ")))
                    .next("set KUBECONFIG or pass --kubeconfig; charts, values and diffs work without it")
            }
            Fault::BadKubeconfig { path, cause } => Error::new("cannot read the kubeconfig")
                .at(path.display().to_string())
                .because(cause)
                .next("correct the file or name another one with --kubeconfig"),
            Fault::NoContext { context, cause } => Error::new("the kubeconfig cannot serve this context")
                .at(format!("context {context}"))
                .because(cause)
                .next("choose a context of the kubeconfig, or map the cluster's name to one in config.toml"),
            Fault::Unreachable { server, cause } => Error::new("the cluster is unreachable")
                .at(server)
                .because(cause)
                .next("check network, proxy and the server's address; it is tried again by itself"),
            Fault::TimedOut { doing, limit } => {
                Error::new(format!("the cluster did not answer within {} s", limit.as_secs()))
                    .at(doing)
                    .next("it is slow or the connection is cut; try again")
            }
            Fault::NeedsLogin { command, cause } => {
                let next = match command {
                    Some(command) => format!("log in (L) with: {command}"),
                    None => "renew the credentials in the kubeconfig".to_owned(),
                };
                Error::new("the cluster wants a login").because(cause).next(next)
            }
            Fault::Forbidden { doing, cause } => Error::new(format!("not allowed to {doing}"))
                .because(cause)
                .next("ask for the right, or use a context that has it"),
            Fault::NotFound { doing, cause } => {
                Error::new(format!("cannot {doing}: it does not exist")).because(cause)
            }
            Fault::NotServed { api_version, kind } => {
                Error::new(format!("the cluster does not serve {kind} of {api_version}"))
                    .next("install the CRD, or use an API version that this cluster has")
            }
            Fault::Refused { doing, code, reason, cause } => {
                let reason = if reason.is_empty() { code.to_string() } else { reason };
                Error::new(format!("the cluster refused to {doing} ({reason})")).because(cause)
            }
            Fault::Driver { name } => {
                let place = match name.as_str() {
                    "sql" => "in a database that floe-tui cannot read",
                    "memory" => "in its own memory: nothing of them outlives the command",
                    _ => "nowhere: helm knows no such driver",
                };
                Error::new(format!("HELM_DRIVER={name}: helm keeps its releases {place}"))
                    .next("use the driver secret or configmap (unset HELM_DRIVER for secret)")
            }
            Fault::Unreadable { doing, cause } => {
                Error::new(format!("cannot {doing}: the answer is not what it should be")).because(cause)
            }
        }
    }
}

/// An error with its causes on one line, without repeating what the outer one says already.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = inner.source();
    }
    text
}

/// What others send is text, never terminal control.
pub(crate) fn clean(text: &str) -> String {
    neutralise(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, reason: &str, message: &str) -> kube::Error {
        kube::Error::Api(Status::failure(message, reason).with_code(code).boxed())
    }

    #[test]
    fn the_servers_answers_become_kinds() {
        let read =
            |error: &kube::Error| Fault::from_kube("list secrets", "https://s", Some("az login"), error);
        assert_eq!(read(&status(401, "Unauthorized", "Unauthorized")).word(), "needs login");
        assert_eq!(read(&status(403, "Forbidden", "secrets is forbidden")).word(), "forbidden");
        assert_eq!(read(&status(404, "NotFound", "gone")).word(), "not found");
        assert_eq!(
            read(&status(404, "Failed to parse error data", "404 page not found")).word(),
            "not found"
        );
        assert_eq!(read(&status(500, "InternalError", "oops")).word(), "refused");
        assert_eq!(read(&kube::Error::Service("connection refused".into())).word(), "unreachable");
        let carried = Fault::NeedsLogin { command: None, cause: "expired".into() };
        assert_eq!(read(&kube::Error::Service(Box::new(CarriedFault(carried.clone())))), carried);
    }

    #[test]
    fn a_login_names_its_command_and_forbidden_names_the_deed() {
        let error: Error =
            Fault::NeedsLogin { command: Some("az login".into()), cause: "token expired".into() }.into();
        assert_eq!(error.next.as_deref(), Some("log in (L) with: az login"));
        let error: Error = Fault::Forbidden { doing: "list secrets".into(), cause: "no".into() }.into();
        assert_eq!(error.headline(), "not allowed to list secrets");
    }

    #[test]
    fn no_escape_sequence_gets_through() {
        let fault = Fault::from_kube("x", "s", None, &status(500, "", "bad \u{1b}[2Jthing"));
        assert!(!Error::from(fault).to_string().contains('\u{1b}'));
    }
}
