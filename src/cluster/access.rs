//! What we may do, and what the server would say: rights, server-side dry runs, live objects.

use futures::StreamExt as _;
use http::Request;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::{GetParams, ListParams, Patch, PatchParams, PostParams};
use kube::client::Body;
use kube::core::{DynamicObject, Status};
use serde_json::Value;

use super::connection::{Connection, ONE_SHOT};
use super::discovery::Served;
use super::fault::{Fault, clean};
use super::health::text;
use crate::base::Error;
use crate::manifest::{self, Object, Side};

/// helm's field manager: a dry run under another name would show conflicts that helm does not have.
const FIELD_MANAGER: &str = "helm";

/// A deed to ask about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ask {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verb: String,
    /// Empty for the core group.
    pub group: String,
    /// Plural: `deployments`, `pods/log`.
    pub resource: String,
    /// `None` for the whole cluster and for cluster-wide resources.
    pub namespace: Option<String>,
}

/// The server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub ask: Ask,
    pub allowed: bool,
    /// The authorizer's words, often empty.
    pub reason: String,
}

/// Why the server would not take an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// A field that cannot change: the object has to be recreated.
    Immutable,
    /// Another field manager owns a field.
    Conflict,
    /// A quota or limit is exceeded.
    Quota,
    /// A policy or webhook says no.
    Admission,
    /// We lack the right.
    Forbidden,
    /// The namespace is not there (yet).
    NoNamespace,
    /// The cluster does not know the kind.
    NotServed,
    /// The object itself is wrong.
    Invalid,
    Other,
}

/// A refusal of a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    /// The server's words.
    pub message: String,
    /// The fields it names: `spec.selector`, `.spec.replicas`.
    pub fields: Vec<String>,
    /// For a conflict: who owns the field.
    pub manager: Option<String>,
}

/// What a dry run, or a request that writes, gave.
#[derive(Debug, Clone, PartialEq)]
pub struct DryRun {
    /// The object as it would be (as it is now, where it was no trial), or why not.
    pub outcome: Result<Value, Refusal>,
    /// Warnings of the server: deprecated APIs, pods that a policy would reject.
    pub warnings: Vec<String>,
}

impl Connection {
    /// Whether we may do each of these things.
    pub async fn can_i(&self, asks: &[Ask]) -> Result<Vec<Answer>, Fault> {
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client());
        let reviews = asks.iter().map(|ask| {
            let api = api.clone();
            async move {
                let (resource, subresource) = match ask.resource.split_once('/') {
                    Some((resource, sub)) => (resource.to_owned(), Some(sub.to_owned())),
                    None => (ask.resource.clone(), None),
                };
                let review = SelfSubjectAccessReview {
                    spec: SelfSubjectAccessReviewSpec {
                        resource_attributes: Some(ResourceAttributes {
                            verb: Some(ask.verb.clone()),
                            group: Some(ask.group.clone()),
                            resource: Some(resource),
                            subresource,
                            namespace: ask.namespace.clone(),
                            ..ResourceAttributes::default()
                        }),
                        ..SelfSubjectAccessReviewSpec::default()
                    },
                    ..SelfSubjectAccessReview::default()
                };
                let params = PostParams::default();
                let review = self.once("ask for our rights", api.create(&params, &review)).await?;
                let status = review.status.unwrap_or_default();
                let reason = status.reason.as_deref().map(clean).unwrap_or_default();
                Ok(Answer { ask: ask.clone(), allowed: status.allowed, reason })
            }
        });
        futures::future::try_join_all(reviews).await
    }

    /// Whether a namespace exists.
    pub async fn namespace_exists(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.namespace_uid(name).await?.is_some())
    }

    /// The live object, whole; `None` if there is none. `namespace` is taken where the kind is namespaced.
    pub async fn live(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, Fault> {
        let served = match self.served(api_version, kind).await {
            Ok(served) => served,
            Err(Fault::NotServed { .. }) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let doing = format!("read {kind} {name}");
        self.get_plain(&DynamicObject::url(&served, namespace), name, &doing).await
    }

    /// The live counterparts of a release's objects, hooks left out, in their order and read a few at a time.
    /// `namespace` is taken where an object names none.
    pub async fn live_of<'o>(
        &self,
        objects: &'o [Object],
        namespace: &str,
    ) -> Vec<(&'o Object, Result<Option<Value>, Fault>)> {
        /// Objects read at a time.
        const AT_A_TIME: usize = 8;
        let calls: Vec<_> = objects
            .iter()
            .filter(|object| object.hook.is_none())
            .map(|object| async move {
                let id = &object.id;
                let place = id.namespace.as_deref().unwrap_or(namespace);
                (object, self.live(&id.api_version, &id.kind, place, &id.name).await)
            })
            .collect();
        futures::stream::iter(calls).buffered(AT_A_TIME).collect().await
    }

    /// What the cluster holds of `objects`, as one side of a comparison with them; and what could not be read.
    pub async fn live_side(&self, objects: &[Object], side: &Side) -> (Vec<Object>, Vec<String>) {
        let (mut found, mut unread) = (Vec::new(), Vec::new());
        for (object, live) in self.live_of(objects, side.namespace.as_deref().unwrap_or_default()).await {
            match live {
                Ok(value) => found.extend(value),
                Err(fault) => {
                    unread.push(format!("{}: {}", object.id.short(), Error::from(fault).headline()));
                }
            }
        }
        (manifest::live_side(objects, &found, side), unread)
    }

    /// All objects of a kind in a namespace as plain JSON, see `get_plain`.
    pub async fn list_plain(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
    ) -> Result<Vec<Value>, Fault> {
        let served = self.served(api_version, kind).await?;
        let doing = format!("list {} in {namespace}", served.resource.plural);
        let request = kube::core::Request::new(DynamicObject::url(&served, namespace));
        let request = request.list(&ListParams::default());
        let request = request.map_err(|error| unreadable(&doing, &error.to_string()))?;
        let mut list: Value = self.plain(&doing, request).await?;
        let items = list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
        let mut items = items.unwrap_or_default();
        for item in &mut items {
            // Items of a list do not say what they are.
            item["apiVersion"] = api_version.into();
            item["kind"] = kind.into();
        }
        Ok(items)
    }

    /// An object as plain JSON; `None` if there is none. kube's typed calls log the whole answer when they cannot
    /// read it, and an answer may be a Secret.
    pub(crate) async fn get_plain(
        &self,
        collection: &str,
        name: &str,
        doing: &str,
    ) -> Result<Option<Value>, Fault> {
        let request = kube::core::Request::new(collection)
            .get(name, &GetParams::default())
            .map_err(|error| unreadable(doing, &error.to_string()))?;
        match self.plain(doing, request).await {
            Ok(value) => Ok(Some(value)),
            Err(Fault::NotFound { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn plain(&self, doing: &str, request: Request<Vec<u8>>) -> Result<Value, Fault> {
        let client = self.client();
        let text = self.once(doing, client.request_text(request)).await?;
        // Where, not what.
        serde_json::from_str(&text).map_err(|error| {
            unreadable(doing, &format!("no JSON at line {} column {}", error.line(), error.column()))
        })
    }

    pub(crate) fn dynamic(&self, served: &Served, namespace: &str) -> Api<DynamicObject> {
        if served.namespaced {
            Api::namespaced_with(self.client(), namespace, &served.resource)
        } else {
            Api::all_with(self.client(), &served.resource)
        }
    }

    /// Lets the server say what it would make of an object: admission, quota, immutable fields, conflicts. Nothing
    /// is changed. `force` takes over fields of other managers, as `--force-conflicts` does.
    pub async fn dry_run(&self, object: &Value, namespace: &str, force: bool) -> Result<DryRun, Fault> {
        let field = |pointer: &str| text(object, pointer).unwrap_or_default().to_owned();
        let (api_version, kind, name) = (field("/apiVersion"), field("/kind"), field("/metadata/name"));
        let doing = format!("try {kind} {name}");
        let served = match self.served(&api_version, &kind).await {
            Ok(served) => served,
            Err(fault @ Fault::NotServed { .. }) => {
                let refusal = Refusal {
                    kind: RefusalKind::NotServed,
                    message: fault.to_string(),
                    fields: Vec::new(),
                    manager: None,
                };
                return Ok(DryRun { outcome: Err(refusal), warnings: Vec::new() });
            }
            Err(fault) => return Err(fault),
        };
        let namespace = text(object, "/metadata/namespace").unwrap_or(namespace);
        let path = DynamicObject::url(&served, namespace);
        let params = PatchParams { dry_run: true, force, ..PatchParams::apply(FIELD_MANAGER) };
        let request: Request<Vec<u8>> = kube::core::Request::new(path)
            .patch(&name, &params, &Patch::Apply(object))
            .map_err(|error| unreadable(&doing, &error.to_string()))?;
        self.answer(&doing, request).await
    }

    /// Sends a request that writes, or tries to, and tells an answer from a refusal.
    pub(super) async fn answer(&self, doing: &str, request: Request<Vec<u8>>) -> Result<DryRun, Fault> {
        let client = self.client();
        let call = async {
            let answer = client.send(request.map(Body::from)).await?;
            let (head, body) = answer.into_parts();
            let bytes = body.collect_bytes().await?;
            Ok::<_, kube::Error>((head, bytes))
        };
        let (head, bytes) = match tokio::time::timeout(ONE_SHOT, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.fault(doing, &error)),
            Err(_) => return Err(Fault::TimedOut { doing: doing.to_owned(), limit: ONE_SHOT }),
        };
        let warnings = head
            .headers
            .get_all(http::header::WARNING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(warning_text)
            .collect();
        if head.status.is_success() {
            let live =
                serde_json::from_slice(&bytes).map_err(|error| unreadable(doing, &error.to_string()))?;
            return Ok(DryRun { outcome: Ok(live), warnings });
        }
        let mut status: Status = serde_json::from_slice(&bytes).unwrap_or_default();
        status.code = head.status.as_u16();
        match status.code {
            401 => Err(self.status_fault(doing, &status)),
            429 | 500.. if status.reason.is_empty() => Err(self.status_fault(doing, &status)),
            _ => Ok(DryRun { outcome: Err(refusal(&status)), warnings }),
        }
    }
}

pub(super) fn unreadable(doing: &str, cause: &str) -> Fault {
    Fault::Unreadable { doing: doing.to_owned(), cause: clean(cause) }
}

/// `299 - "text"` → `text`.
fn warning_text(header: &str) -> String {
    let quoted = header.splitn(3, ' ').nth(2).unwrap_or(header);
    let text = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quoted);
    clean(&text.replace("\\\"", "\""))
}

/// Reads what the server refused.
fn refusal(status: &Status) -> Refusal {
    let message = clean(&status.message);
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let fields: Vec<String> =
        causes.iter().filter(|cause| !cause.field.is_empty()).map(|cause| clean(&cause.field)).collect();
    let lower = message.to_lowercase();
    let kind = if lower.contains("field is immutable")
        || lower.contains("updates to statefulset spec for fields other than")
        || lower.contains("may not change once set")
    {
        RefusalKind::Immutable
    } else if status.is_conflict() {
        RefusalKind::Conflict
    } else if lower.contains("exceeded quota") || lower.contains("limited:") {
        RefusalKind::Quota
    } else if status.is_not_found() && lower.contains("namespaces") {
        RefusalKind::NoNamespace
    } else if lower.contains("violates podsecurity")
        || lower.contains("admission webhook")
        || lower.contains("denied request")
        || lower.contains("validatingadmissionpolicy")
    {
        RefusalKind::Admission
    } else if status.is_forbidden() {
        RefusalKind::Forbidden
    } else if status.is_invalid() || status.code == 400 || status.code == 422 {
        RefusalKind::Invalid
    } else {
        RefusalKind::Other
    };
    let manager = (kind == RefusalKind::Conflict)
        .then(|| {
            let words = causes.iter().map(|cause| cause.message.as_str()).chain([status.message.as_str()]);
            words
                .filter_map(|words| words.split_once("conflict with \"")?.1.split_once('"'))
                .map(|(manager, _)| clean(manager))
                .next()
        })
        .flatten();
    Refusal { kind, message, fields, manager }
}

/// The path of a resource's collection.
pub(super) trait Collection {
    fn url(served: &Served, namespace: &str) -> String;
}

impl Collection for DynamicObject {
    fn url(served: &Served, namespace: &str) -> String {
        let namespace = served.namespaced.then_some(namespace);
        <Self as kube::Resource>::url_path(&served.resource, namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_by_the_servers_words() {
        for (code, reason, message, kind) in [
            (
                422,
                "Invalid",
                "Deployment.apps \"w\" is invalid: spec.selector: Invalid value: …: field is immutable",
                RefusalKind::Immutable,
            ),
            (
                422,
                "Invalid",
                "StatefulSet.apps \"p\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', … are forbidden",
                RefusalKind::Immutable,
            ),
            (
                409,
                "Conflict",
                "Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas",
                RefusalKind::Conflict,
            ),
            (
                403,
                "Forbidden",
                "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1",
                RefusalKind::Quota,
            ),
            (
                403,
                "Forbidden",
                "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": …",
                RefusalKind::Admission,
            ),
            (400, "BadRequest", "admission webhook \"a.b\" denied the request: no", RefusalKind::Admission),
            (
                403,
                "Forbidden",
                "deployments.apps \"w\" is forbidden: User \"viewer\" cannot patch",
                RefusalKind::Forbidden,
            ),
            (404, "NotFound", "namespaces \"n\" not found", RefusalKind::NoNamespace),
            (
                422,
                "Invalid",
                "Deployment.apps \"w\" is invalid: spec.replicas: Invalid value: -1",
                RefusalKind::Invalid,
            ),
            (500, "InternalError", "boom", RefusalKind::Other),
        ] {
            let found = refusal(&Status::failure(message, reason).with_code(code));
            assert_eq!(found.kind, kind, "{message}");
            let manager = (kind == RefusalKind::Conflict).then(|| "kubectl".to_owned());
            assert_eq!(found.manager, manager);
        }
    }

    #[test]
    fn a_warning_header_is_its_text() {
        assert_eq!(
            warning_text("299 - \"would violate \\\"restricted\\\"\""),
            "would violate \"restricted\""
        );
    }
}
