//! Which resource serves a kind: asked once for each group and version, then remembered.

use std::collections::HashMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::core::ApiResource;
use tokio::sync::Mutex;

use super::connection::Connection;
use super::fault::Fault;

/// The cache of a connection. What is not served is not remembered: a CRD may come.
#[derive(Default)]
pub(crate) struct Discovery {
    versions: Mutex<HashMap<String, Arc<APIResourceList>>>,
}

/// How a kind is reached.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Served {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
}

impl Connection {
    /// The resource that serves a kind, `NotServed` if there is none.
    pub(crate) async fn served(&self, api_version: &str, kind: &str) -> Result<Served, Fault> {
        let missing = || Fault::NotServed { api_version: api_version.to_owned(), kind: kind.to_owned() };
        let known = self.discovery().versions.lock().await.get(api_version).cloned();
        if let Some(found) = known.as_deref().and_then(|list| find(list, api_version, kind)) {
            return Ok(found);
        }
        let client = self.client();
        let doing = format!("discover {api_version}");
        let asked = async {
            if api_version.contains('/') {
                client.list_api_group_resources(api_version).await
            } else {
                client.list_core_api_resources(api_version).await
            }
        };
        let list = match self.once(&doing, asked).await {
            Ok(list) => Arc::new(list),
            Err(Fault::NotFound { .. }) => return Err(missing()),
            Err(fault) => return Err(fault),
        };
        self.discovery().versions.lock().await.insert(api_version.to_owned(), Arc::clone(&list));
        find(&list, api_version, kind).ok_or_else(missing)
    }
}

fn find(list: &APIResourceList, api_version: &str, kind: &str) -> Option<Served> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let found =
        list.resources.iter().find(|resource| resource.kind == kind && !resource.name.contains('/'))?;
    Some(Served {
        resource: ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: found.name.clone(),
        },
        namespaced: found.namespaced,
    })
}
