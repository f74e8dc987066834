//! A connection to the cluster of one context. The context is fixed when it is opened; nothing here reads the
//! kubeconfig's current context.
//!
//! Every request gets an answer's head within a limit (kube has none), credential programs run under
//! `plugin`, and what the server or the network refuses becomes a [`Fault`].

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::client::Body;
use kube::config::{AuthInfo, ExecConfig, KubeConfigOptions};
use kube::{Client, Config};
use tokio::sync::Mutex;

use super::discovery::Discovery;
use super::fault::{CarriedFault, Fault, chain, clean};
use super::kubeconfig::{Kubeconfig, login_of};
use super::plugin::{self, Credentials};
use super::proxy;
use crate::base::Hash;

/// How long a one-shot call may take, from the request to the last byte.
pub const ONE_SHOT: Duration = Duration::from_secs(15);

/// How long a server may think before the first byte of an answer.
const FIRST_BYTE: Duration = Duration::from_secs(30);

/// How long building a client may take (files, certificates, a legacy credential command).
const BUILD: Duration = Duration::from_secs(25);

/// A credential program that failed is not asked again before this, so that a watch that retries does not open a
/// browser every second.
const PLUGIN_PAUSE: Duration = Duration::from_secs(30);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An open connection; cheap to clone.
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    context: String,
    server: String,
    namespace: String,
    login: Option<String>,
    /// SHA-256 of the cluster's CA as the kubeconfig has it, or of the server's address without one.
    trust: String,
    client: Client,
    discovery: Discovery,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({} at {})", self.inner.context, self.inner.server)
    }
}

impl Connection {
    /// Prepares a connection. The cluster is not contacted here, but a credential program runs with the first call.
    pub async fn open(kubeconfig: &Kubeconfig, context: &str) -> Result<Self, Fault> {
        install_crypto();
        let no_context =
            |cause: String| Fault::NoContext { context: context.to_owned(), cause: clean(&cause) };
        if kubeconfig.context(context).is_none() {
            let known: Vec<String> = kubeconfig.contexts().into_iter().map(|info| info.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(no_context(format!("it has these contexts: {known}")));
        }
        let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
        let mut config = Config::from_custom_kubeconfig(kubeconfig.raw().clone(), &options)
            .await
            .map_err(|error| no_context(chain(&error)))?;
        if !kubeconfig.names_proxy(context) {
            let proxy = proxy::from_environment(&config.cluster_url, |name| std::env::var(name).ok());
            config.proxy_url = proxy.map(|proxy| proxy.parse()).transpose().map_err(|error| {
                no_context(format!("the proxy of the environment is no address: {error}"))
            })?;
        }
        let server = config.cluster_url.to_string();
        let trust = trust(&config);
        let login = config.auth_info.exec.as_ref().map(|exec| login_of(exec).command());
        let namespace = config.default_namespace.clone();
        let source = Arc::new(Source::new(config, server.clone()));
        if source.exec.is_none() {
            // Certificates and files are read now, so that a bad one is told at once.
            source.client().await?;
        }
        let client = guarded(source, namespace.clone());
        Ok(Self::from_parts(context, server, namespace, login, trust, client))
    }

    fn from_parts(
        context: &str,
        server: String,
        namespace: String,
        login: Option<String>,
        trust: String,
        client: Client,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                context: context.to_owned(),
                server,
                namespace,
                login,
                trust,
                client,
                discovery: Discovery::default(),
            }),
        }
    }

    /// A connection over a service that plays the API server.
    #[cfg(test)]
    pub(crate) fn fake(client: Client) -> Self {
        Self::from_parts(
            "fake",
            "https://fake.invalid".to_owned(),
            "default".to_owned(),
            None,
            "fake-trust".to_owned(),
            client,
        )
    }

    /// The context it is pinned to.
    pub fn context(&self) -> &str {
        &self.inner.context
    }

    /// The server's address.
    pub fn server(&self) -> &str {
        &self.inner.server
    }

    /// The context's own namespace, `default` if it names none.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// SHA-256 of what the cluster is trusted by.
    pub(crate) fn trust(&self) -> &str {
        &self.inner.trust
    }

    pub(crate) fn client(&self) -> Client {
        self.inner.client.clone()
    }

    pub(crate) fn discovery(&self) -> &Discovery {
        &self.inner.discovery
    }

    /// Reads an error of kube in the light of this connection. `doing` completes "not allowed to …".
    pub(crate) fn fault(&self, doing: &str, error: &kube::Error) -> Fault {
        Fault::from_kube(doing, &self.inner.server, self.inner.login.as_deref(), error)
    }

    /// As [`Connection::fault`], for what arrives inside a watch.
    pub(crate) fn status_fault(&self, doing: &str, status: &kube::core::Status) -> Fault {
        Fault::from_status(doing, self.inner.login.as_deref(), status)
    }

    /// A one-shot call within [`ONE_SHOT`].
    pub(crate) async fn once<T>(
        &self,
        doing: &str,
        call: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Fault> {
        match tokio::time::timeout(ONE_SHOT, call).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.fault(doing, &error)),
            Err(_) => Err(Fault::TimedOut { doing: doing.to_owned(), limit: ONE_SHOT }),
        }
    }

    /// The server's version, `v1.35.8`: also the cheapest proof that it is there.
    pub async fn version(&self) -> Result<String, Fault> {
        let client = self.client();
        let info = self.once("ask for the version", client.apiserver_version()).await?;
        Ok(clean(&info.git_version))
    }
}

/// rustls needs one provider for the process; whoever was first is fine.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn trust(config: &Config) -> String {
    let bytes = match &config.root_cert {
        Some(certificates) if !certificates.is_empty() => certificates.concat(),
        _ => config.cluster_url.to_string().into_bytes(),
    };
    Hash::of(bytes).hex()
}

/// Makes clients for a configuration, anew when credentials run out.
struct Source {
    config: Config,
    server: String,
    exec: Option<ExecConfig>,
    login: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    expires: Option<Timestamp>,
    failed: Option<(Instant, Fault)>,
}

impl Source {
    fn new(mut config: Config, server: String) -> Self {
        let exec = config.auth_info.exec.take();
        let login = exec.as_ref().map(|exec| login_of(exec).command());
        Self { config, server, exec, login, state: Mutex::default() }
    }

    /// A client with credentials that hold for another half minute at least.
    async fn client(&self) -> Result<Client, Fault> {
        let mut state = self.state.lock().await;
        let soon = Timestamp::now().as_second() + 30;
        if let Some(client) = &state.client
            && state.expires.is_none_or(|expires| expires.as_second() > soon)
        {
            return Ok(client.clone());
        }
        if let Some((at, fault)) = &state.failed
            && at.elapsed() < PLUGIN_PAUSE
        {
            return Err(fault.clone());
        }
        match self.make().await {
            Ok((client, expires)) => {
                *state = State { client: Some(client.clone()), expires, failed: None };
                Ok(client)
            }
            Err(fault) => {
                state.failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }

    async fn make(&self) -> Result<(Client, Option<Timestamp>), Fault> {
        let mut config = self.config.clone();
        let mut expires = None;
        if let Some(exec) = &self.exec {
            let credentials = plugin::run(exec, plugin::LIMIT).await?;
            expires = credentials.expires;
            config.auth_info = with_credentials(config.auth_info, credentials);
        }
        // Reads files and, for the legacy auth providers, runs programs: not on a worker thread.
        let build = tokio::task::spawn_blocking(move || Client::try_from(config));
        let doing = "prepare the connection";
        match tokio::time::timeout(BUILD, build).await {
            Ok(Ok(Ok(client))) => Ok((client, expires)),
            Ok(Ok(Err(error))) => Err(Fault::from_kube(doing, &self.server, self.login.as_deref(), &error)),
            Ok(Err(error)) => Err(Fault::Unreadable { doing: doing.to_owned(), cause: error.to_string() }),
            Err(_) => Err(Fault::TimedOut { doing: doing.to_owned(), limit: BUILD }),
        }
    }

    /// The server refused our credentials: the next call asks the program again.
    async fn refused(&self) {
        if self.exec.is_some() {
            let mut state = self.state.lock().await;
            if state.failed.is_none() {
                state.client = None;
                state.failed = None;
            }
        }
    }
}

fn with_credentials(mut auth: AuthInfo, credentials: Credentials) -> AuthInfo {
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    if let Some(token) = credentials.token {
        auth.token = Some(token.into());
    }
    if let Some((certificate, key)) = credentials.certificate {
        auth.client_certificate_data = Some(encode(&certificate));
        auth.client_key_data = Some(encode(&key).into());
    }
    auth
}

/// A client whose every request goes through the source's current client and gets its first byte in time.
fn guarded(source: Arc<Source>, namespace: String) -> Client {
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let source = Arc::clone(&source);
        async move {
            let client =
                source.client().await.map_err(|fault| -> BoxError { Box::new(CarriedFault(fault)) })?;
            // A followed log without a line yet has no first byte.
            let patient = request.uri().path().ends_with("/log");
            let answer = client.send(request);
            let answer = if patient {
                answer.await
            } else if let Ok(answer) = tokio::time::timeout(FIRST_BYTE, answer).await {
                answer
            } else {
                let fault = Fault::TimedOut { doing: source.server.clone(), limit: FIRST_BYTE };
                return Err(Box::new(CarriedFault(fault)) as BoxError);
            };
            let answer = answer.map_err(|error| -> BoxError { Box::new(error) })?;
            if answer.status() == http::StatusCode::UNAUTHORIZED {
                source.refused().await;
            }
            Ok::<_, BoxError>(answer)
        }
    });
    Client::new(service, namespace)
}
