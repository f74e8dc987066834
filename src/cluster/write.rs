//! What we write ourselves, without helm: one object in one request, which the server can be asked to try first.

use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde_json::Value;

use super::access::{Collection as _, DryRun, unreadable};
use super::connection::Connection;
use super::fault::Fault;
use super::health::text;

/// Whose change it is, in the object's managed fields.
pub const FIELD_MANAGER: &str = "floe-tui";

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Makes this object; refused where its name is taken.
    Create(Value),
    /// Merges into an object that exists. A `metadata` with `uid` and `resourceVersion` in it is a condition: the
    /// server refuses the whole where the object is another one.
    Patch { api_version: String, kind: String, name: String, patch: Value },
}

impl Write {
    /// `create Job nightly-1`, `patch CronJob nightly`.
    pub fn doing(&self) -> String {
        match self {
            Self::Create(object) => {
                let part = |pointer| text(object, pointer).unwrap_or_default();
                format!("create {} {}", part("/kind"), part("/metadata/name"))
            }
            Self::Patch { kind, name, .. } => format!("patch {kind} {name}"),
        }
    }
}

impl Connection {
    /// Sends a write; with `dry_run` the server does everything but store it.
    ///
    /// # Errors
    /// The server was not reached, or did not answer: then it is not known whether it was done. What the server
    /// refuses is an answer.
    pub async fn write(&self, write: &Write, namespace: &str, dry_run: bool) -> Result<DryRun, Fault> {
        let doing = write.doing();
        let manager = Some(FIELD_MANAGER.to_owned());
        let request = match write {
            Write::Create(object) => {
                let of = |pointer| text(object, pointer).unwrap_or_default();
                let served = self.served(of("/apiVersion"), of("/kind")).await?;
                let params = PostParams { dry_run, field_manager: manager };
                let bytes =
                    serde_json::to_vec(object).map_err(|error| unreadable(&doing, &error.to_string()))?;
                kube::core::Request::new(DynamicObject::url(&served, namespace)).create(&params, bytes)
            }
            Write::Patch { api_version, kind, name, patch } => {
                let served = self.served(api_version, kind).await?;
                let params = PatchParams { dry_run, field_manager: manager, ..PatchParams::default() };
                let path = DynamicObject::url(&served, namespace);
                kube::core::Request::new(path).patch(name, &params, &Patch::Merge(patch))
            }
        };
        self.answer(&doing, request.map_err(|error| unreadable(&doing, &error.to_string()))?).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::access::RefusalKind;
    use crate::cluster::fake::{Reply, connection};

    fn served() -> Reply {
        let resource = |kind: &str, name: &str| json!({"kind": kind, "name": name, "singularName": "", "namespaced": true, "verbs": []});
        Reply::Json(
            200,
            json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "batch/v1",
            "resources": [resource("Job", "jobs"), resource("CronJob", "cronjobs")]}),
        )
    }

    #[tokio::test]
    async fn a_trial_is_a_trial_and_a_refusal_is_an_answer() {
        let (connection, calls) = connection(|method, path, _| match (method, path) {
            ("GET", _) => served(),
            ("POST", _) => Reply::Json(201, json!({"kind": "Job", "metadata": {"uid": "u"}})),
            _ => Reply::refuse(409, "Conflict", "the object has been modified"),
        });
        let create = Write::Create(
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "namespace": "n"}}),
        );
        assert_eq!(create.doing(), "create Job a");
        let made = connection.write(&create, "n", true).await.unwrap().outcome.unwrap();
        assert_eq!(made["metadata"]["uid"], "u");
        let patch = Write::Patch {
            api_version: "batch/v1".into(),
            kind: "CronJob".into(),
            name: "b".into(),
            patch: json!({"spec": {"suspend": true}}),
        };
        let refused = connection.write(&patch, "n", false).await.unwrap().outcome.unwrap_err();
        assert_eq!(
            (refused.kind, refused.message.as_str()),
            (RefusalKind::Conflict, "the object has been modified")
        );
        let calls = calls.lock().unwrap().clone();
        assert!(calls.iter().any(|call| call
            == "POST /apis/batch/v1/namespaces/n/jobs?&dryRun=All&fieldManager=floe-tui"), "{calls:?}");
        let patched = calls.iter().find(|call| call.starts_with("PATCH")).unwrap();
        assert!(patched.contains("/cronjobs/b?") && !patched.contains("dryRun"), "{patched}");
    }
}
