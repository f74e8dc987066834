//! The kubeconfig: where it is looked for, which contexts it has. Never changed, and its current context is never
//! used to act on: every connection names its context.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kube::config::{AuthInfo, Cluster, Context, ExecConfig, ExecInteractiveMode, KubeconfigError};

use super::fault::{Fault, chain, clean};

pub use crate::workspace::ContextInfo;

/// What a person runs to log in: the credential program of the context, with its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub program: String,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// What the kubeconfig says to install when the program is missing.
    pub install_hint: Option<String>,
}

impl Login {
    /// The command as it would be typed.
    pub fn command(&self) -> String {
        let mut words = vec![self.program.clone()];
        words.extend(self.arguments.iter().map(|word| {
            if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "'\"$\\".contains(c)) {
                format!("'{}'", word.replace('\'', "'\\''"))
            } else {
                word.clone()
            }
        }));
        clean(&words.join(" "))
    }
}

/// The kubeconfig files of the operator, merged as kubectl merges them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kubeconfig {
    paths: Vec<PathBuf>,
    config: Arc<kube::config::Kubeconfig>,
}

impl Kubeconfig {
    /// Reads `--kubeconfig` if given, else the files of `KUBECONFIG`, else `~/.kube/config`.
    pub fn read(explicit: Option<&Path>) -> Result<Self, Fault> {
        Self::read_at(
            &Self::places(explicit, std::env::var_os("KUBECONFIG").as_deref(), home().as_deref()),
            explicit.is_some(),
        )
    }

    /// The files that [`Kubeconfig::read`] would look at, in order.
    fn places(explicit: Option<&Path>, listed: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
        if let Some(path) = explicit {
            return vec![path.to_owned()];
        }
        let listed: Vec<PathBuf> = listed
            .into_iter()
            .flat_map(std::env::split_paths)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
        if !listed.is_empty() {
            return listed;
        }
        home.map(|home| home.join(".kube").join("config")).into_iter().collect()
    }

    /// Reads these files; those of a list may be absent as long as one is there.
    fn read_at(places: &[PathBuf], explicit: bool) -> Result<Self, Fault> {
        let mut merged: Option<kube::config::Kubeconfig> = None;
        let mut paths = Vec::new();
        for path in places {
            match std::fs::metadata(path) {
                Ok(found) if found.is_dir() => {
                    return Err(Fault::BadKubeconfig {
                        path: path.clone(),
                        cause: "it is a folder".to_owned(),
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !explicit => continue,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(Fault::NoKubeconfig { tried: places.to_vec() });
                }
                Ok(_) | Err(_) => {}
            }
            let bad = |error: &KubeconfigError| Fault::BadKubeconfig {
                path: path.clone(),
                cause: clean(&chain(error)),
            };
            let read = kube::config::Kubeconfig::read_from(path).map_err(|error| bad(&error))?;
            merged = Some(match merged {
                None => read,
                Some(earlier) => earlier.merge(read).map_err(|error| bad(&error))?,
            });
            paths.push(path.clone());
        }
        match merged {
            Some(config) => Ok(Self { paths, config: Arc::new(config) }),
            None => Err(Fault::NoKubeconfig { tried: places.to_vec() }),
        }
    }

    /// From text, for tests and embedded defaults; relative paths in it are taken as they are.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let config = kube::config::Kubeconfig::from_yaml(text).map_err(|error| Fault::BadKubeconfig {
            path: PathBuf::from("kubeconfig"),
            cause: clean(&chain(&error)),
        })?;
        Ok(Self { paths: Vec::new(), config: Arc::new(config) })
    }

    /// The files it was read from.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// What kubectl would use; shown, never acted on.
    pub fn current_context(&self) -> Option<&str> {
        self.config.current_context.as_deref().filter(|name| !name.is_empty())
    }

    /// Every context, in the files' order.
    pub fn contexts(&self) -> Vec<ContextInfo> {
        self.config
            .contexts
            .iter()
            .filter_map(|named| {
                let context = named.context.as_ref()?;
                Some(ContextInfo {
                    name: named.name.clone(),
                    cluster: context.cluster.clone(),
                    server: self
                        .cluster(&context.cluster)
                        .and_then(|cluster| cluster.server.clone())
                        .unwrap_or_default(),
                    user: context.user.clone().unwrap_or_default(),
                    namespace: context.namespace.clone(),
                })
            })
            .collect()
    }

    /// How a person logs in for a context, where its user has a credential program.
    pub fn login(&self, context: &str) -> Option<Login> {
        Some(login_of(self.user(self.context(context)?.user.as_deref()?)?.exec.as_ref()?))
    }

    pub(crate) fn raw(&self) -> &kube::config::Kubeconfig {
        &self.config
    }

    pub(crate) fn context(&self, name: &str) -> Option<&Context> {
        self.config.contexts.iter().find(|named| named.name == name)?.context.as_ref()
    }

    /// Whether the kubeconfig itself names a proxy for a context's cluster; it wins over the environment.
    pub(crate) fn names_proxy(&self, context: &str) -> bool {
        self.context(context)
            .and_then(|context| self.cluster(&context.cluster))
            .and_then(|cluster| cluster.proxy_url.as_deref())
            .is_some_and(|proxy| !proxy.is_empty())
    }

    fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.config.clusters.iter().find(|named| named.name == name)?.cluster.as_ref()
    }

    fn user(&self, name: &str) -> Option<&AuthInfo> {
        self.config.auth_infos.iter().find(|named| named.name == name)?.auth_info.as_ref()
    }
}

/// How a person runs a credential program.
pub(crate) fn login_of(exec: &ExecConfig) -> Login {
    let environment = exec
        .env
        .iter()
        .flatten()
        .filter_map(|pair| Some((pair.get("name")?.clone(), pair.get("value")?.clone())));
    Login {
        program: exec.command.clone().unwrap_or_default(),
        arguments: exec.args.clone().unwrap_or_default(),
        environment: environment.collect(),
        install_hint: exec.install_hint.clone().filter(|hint| !hint.is_empty()),
    }
}

/// Whether the program says it cannot work without a terminal.
pub(crate) fn needs_terminal(exec: &ExecConfig) -> bool {
    exec.interactive_mode == Some(ExecInteractiveMode::Always)
}

fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TWO: &str = "
apiVersion: v1
kind: Config
current-context: b
clusters: [{name: c, cluster: {server: 'https://10.0.0.1:6443'}}]
users:
- name: u
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: kubelogin, args: [get-token, --server-id, 'a b'], env: [{name: X, value: '1'}], installHint: install kubelogin, interactiveMode: IfAvailable}}
contexts:
- {name: a, context: {cluster: c, user: u, namespace: n}}
- {name: b, context: {cluster: gone}}
";

    #[test]
    fn contexts_tell_cluster_server_user_and_namespace() {
        let config = Kubeconfig::parse(TWO).unwrap();
        let contexts = config.contexts();
        assert_eq!(contexts.len(), 2);
        assert_eq!(contexts[0].server, "https://10.0.0.1:6443");
        assert_eq!((contexts[0].user.as_str(), contexts[0].namespace.as_deref()), ("u", Some("n")));
        assert_eq!(contexts[1].server, "");
        assert_eq!(config.current_context(), Some("b"));
        let login = config.login("a").unwrap();
        assert_eq!(login.command(), "kubelogin get-token --server-id 'a b'");
        assert_eq!(login.environment, vec![("X".to_owned(), "1".to_owned())]);
        assert_eq!(config.login("b"), None);
    }

    #[test]
    fn the_flag_wins_over_the_list_and_the_list_over_home() {
        let listed = Some(OsStr::new("/a:/b:"));
        let home = Some(Path::new("/home/x"));
        assert_eq!(Kubeconfig::places(Some(Path::new("/f")), listed, home), [PathBuf::from("/f")]);
        assert_eq!(Kubeconfig::places(None, listed, home), [PathBuf::from("/a"), PathBuf::from("/b")]);
        let default = Kubeconfig::places(None, Some(OsStr::new("")), home);
        assert_eq!(default, [PathBuf::from("/home/x/.kube/config")]);
    }

    #[test]
    fn a_missing_kubeconfig_names_every_place_and_a_list_may_have_holes() {
        let dir = tempfile::tempdir().unwrap();
        let (here, absent) = (dir.path().join("here"), dir.path().join("absent"));
        let fault = Kubeconfig::read_at(&[absent.clone(), dir.path().join("also")], false).unwrap_err();
        assert_eq!(fault, Fault::NoKubeconfig { tried: vec![absent.clone(), dir.path().join("also")] });
        std::fs::write(&here, TWO).unwrap();
        let config = Kubeconfig::read_at(&[absent.clone(), here.clone()], false).unwrap();
        assert_eq!(config.paths(), std::slice::from_ref(&here));
        assert_eq!(Kubeconfig::read_at(&[absent], true).unwrap_err().word(), "no kubeconfig");
        std::fs::write(&here, "contexts: {").unwrap();
        let fault = Kubeconfig::read_at(&[here], true).unwrap_err();
        assert_eq!(fault.word(), "bad kubeconfig");
    }
}
