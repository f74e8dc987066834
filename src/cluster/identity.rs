//! Which cluster is this really? A context is a name that anybody may point elsewhere; what is pinned is the UID of
//! the namespace `kube-system`, which lives as long as the cluster. Without the right to read it the pin is weaker:
//! the fingerprint of what the cluster is trusted by, with the UID of the target's namespace.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::core::PartialObjectMeta;
use serde::{Deserialize, Serialize};

use super::connection::Connection;
use super::fault::Fault;

/// What is known of a cluster's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The UID of `kube-system`; `None` if we may not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// SHA-256 of the cluster's CA (of the server's address where the system's CAs are used).
    pub trust: String,
    /// UIDs of target namespaces seen through this pin.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaces: BTreeMap<String, String>,
}

/// Two identities side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same cluster, by its UID.
    Same,
    /// Nothing speaks against it, but no UID proves it.
    Likely,
    /// Another cluster.
    Different,
}

impl Identity {
    /// Whether it stands on the fingerprint only.
    pub fn is_weak(&self) -> bool {
        self.uid.is_none()
    }

    /// A short form for the screen: `uid 3f9a1c02`, `CA 77b1d2e4 (weak)`.
    pub fn short(&self) -> String {
        let head = |text: &str| text.chars().take(8).collect::<String>();
        match &self.uid {
            Some(uid) => format!("uid {}", head(uid)),
            None => format!("CA {} (weak)", head(&self.trust)),
        }
    }

    /// Whether `found` is the cluster that was pinned as `self`. A UID decides alone; else CA and namespaces must
    /// agree: a namespace with another UID is another cluster behind the same CA, or was made anew; both are asked.
    pub fn compare(&self, found: &Self) -> Likeness {
        match (&self.uid, &found.uid) {
            (Some(pinned), Some(found)) if pinned == found => return Likeness::Same,
            (Some(_), Some(_)) => return Likeness::Different,
            _ => {}
        }
        if self.trust != found.trust {
            return Likeness::Different;
        }
        let common =
            self.namespaces.iter().filter_map(|(name, uid)| Some((uid, found.namespaces.get(name)?)));
        let (mut same, mut different) = (0, 0);
        for (pinned, found) in common {
            if pinned == found { same += 1 } else { different += 1 }
        }
        if different > same { Likeness::Different } else { Likeness::Likely }
    }

    /// In words, how `found` behind `context` differs from what was pinned as `self`.
    pub fn difference(&self, context: &str, found: &Self) -> String {
        let remade = || {
            let mut both = self.namespaces.iter();
            both.find(|(name, uid)| found.namespaces.get(*name).is_some_and(|found| found != *uid))
        };
        match (self.trust == found.trust).then(remade).flatten() {
            Some((name, _)) if self.uid.is_none() || found.uid.is_none() => format!(
                "the namespace {name} is not the one that was pinned with {context}: it was deleted and made anew, \
                 or this is another cluster behind the same CA"
            ),
            _ => format!(
                "{context} leads to another cluster than before: pinned {}, found {}",
                self.short(),
                found.short()
            ),
        }
    }

    /// Takes over what `found` knows more.
    pub(crate) fn learn(&mut self, found: &Self) {
        if self.uid.is_none() {
            self.uid.clone_from(&found.uid);
        }
        found.trust.clone_into(&mut self.trust);
        self.namespaces.extend(found.namespaces.iter().map(|(name, uid)| (name.clone(), uid.clone())));
    }
}

impl Connection {
    /// Asks the cluster who it is; `namespace` is the target's, whose UID strengthens a weak identity.
    pub async fn identity(&self, namespace: Option<&str>) -> Result<Identity, Fault> {
        let uid = match self.namespace_uid("kube-system").await {
            Ok(uid) => uid,
            Err(Fault::Forbidden { .. }) => None,
            Err(fault) => return Err(fault),
        };
        let mut namespaces = BTreeMap::new();
        if let Some(name) = namespace {
            match self.namespace_uid(name).await {
                Ok(Some(found)) => {
                    namespaces.insert(name.to_owned(), found);
                }
                Ok(None) | Err(Fault::Forbidden { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(Identity { uid, trust: self.trust().to_owned(), namespaces })
    }

    /// The UID of a namespace; `None` if it does not exist.
    pub async fn namespace_uid(&self, name: &str) -> Result<Option<String>, Fault> {
        let api: Api<PartialObjectMeta<Namespace>> = Api::all(self.client());
        let found = self.once(&format!("read namespace {name}"), api.get_opt(name)).await?;
        Ok(found.and_then(|namespace| namespace.metadata.uid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(uid: Option<&str>, trust: &str, namespaces: &[(&str, &str)]) -> Identity {
        Identity {
            uid: uid.map(str::to_owned),
            trust: trust.to_owned(),
            namespaces: namespaces.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        }
    }

    #[test]
    fn a_uid_decides_and_without_it_ca_and_namespaces_must_agree() {
        let cases = [
            (identity(Some("u"), "a", &[]), identity(Some("u"), "b", &[]), Likeness::Same),
            (identity(Some("u"), "a", &[]), identity(Some("v"), "a", &[]), Likeness::Different),
            (identity(Some("u"), "a", &[]), identity(None, "a", &[]), Likeness::Likely),
            (identity(Some("u"), "a", &[]), identity(None, "b", &[]), Likeness::Different),
            (identity(None, "a", &[("n", "1")]), identity(None, "a", &[("n", "1")]), Likeness::Likely),
            (identity(None, "a", &[("n", "1")]), identity(None, "a", &[("n", "2")]), Likeness::Different),
            (identity(None, "a", &[("n", "1")]), identity(None, "a", &[("m", "2")]), Likeness::Likely),
        ];
        for (pinned, found, expected) in cases {
            assert_eq!(pinned.compare(&found), expected, "{pinned:?} {found:?}");
        }
        let words = |found| identity(None, "a", &[("n", "1")]).difference("work", &found);
        assert!(words(identity(None, "a", &[("n", "2")])).starts_with("the namespace n is not the one"));
        assert_eq!(
            words(identity(None, "b", &[("n", "2")])),
            "work leads to another cluster than before: pinned CA a (weak), found CA b (weak)"
        );
    }
}
