//! What differs between versions of helm in what a rendering prints. Chosen from the installed helm; versions that no
//! test compares are named by [`Profile::is_proven`].

use semver::Version;

use crate::values::Rules;

/// A helm version's way of rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Profile {
    major: u64,
    minor: u64,
    patch: u64,
}

impl Profile {
    /// The newest helm 4 that is known.
    pub const FOUR: Self = Self { major: 4, minor: 2, patch: 4 };
    /// The newest helm 3 that is known.
    pub const THREE: Self = Self { major: 3, minor: 21, patch: 4 };

    /// The profile of a helm version.
    pub fn of(version: &Version) -> Self {
        Self { major: version.major, minor: version.minor, patch: version.patch }
    }

    fn at_least(self, major: u64, minor: u64, patch: u64) -> bool {
        (self.major, self.minor, self.patch) >= (major, minor, patch)
    }

    pub fn version(self) -> Version {
        Version::new(self.major, self.minor, self.patch)
    }

    pub fn is_four(self) -> bool {
        self.major >= 4
    }

    /// Versions that the tests compare with. Others of `tests/sandbox/versions` join when they pass the traps.
    const PROVEN: &[Self] = &[Self::THREE, Self::FOUR];

    /// Whether the tests compare with exactly this version.
    pub fn is_proven(self) -> bool {
        Self::PROVEN.contains(&self)
    }

    /// The Go package that values and capabilities come from.
    pub fn package(self) -> &'static str {
        if self.is_four() { "common" } else { "chartutil" }
    }

    /// The Go type of `.Values`.
    pub fn values_type(self) -> &'static str {
        if self.is_four() { "common.Values" } else { "chartutil.Values" }
    }

    /// The Go type of `.Capabilities.APIVersions`.
    pub fn version_set(self) -> &'static str {
        if self.is_four() { "common.VersionSet" } else { "chartutil.VersionSet" }
    }

    /// How null is treated in a chart's own defaults.
    pub fn rules(self) -> Rules {
        if self.at_least(4, 2, 0) { Rules::Helm4 } else { Rules::Helm3 }
    }

    /// Whether a document keeps the white space at its end.
    pub fn keeps_trailing_space(self) -> bool {
        self.at_least(4, 2, 4)
    }

    /// Kubernetes as helm assumes it without a cluster: the version of its client library.
    pub fn kube(self) -> (u64, u64) {
        let minor = if self.is_four() { 34 + self.minor } else { 15 + self.minor };
        (1, minor)
    }

    /// The API versions that helm assumes without a cluster.
    pub fn api_versions(self) -> &'static [&'static str] {
        API_VERSIONS
    }

    /// The order in which kinds are printed; others come last.
    pub fn kinds(self) -> &'static [&'static str] {
        // Helm 4 added the two kinds of webhook configurations at the end.
        if self.is_four() { KINDS } else { &KINDS[..KINDS.len() - 2] }
    }

    /// Whether this helm has a function of this name.
    pub fn has_function(self, name: &str) -> bool {
        match name {
            "mustToYaml" => self.is_four(),
            "mustToToml" => self.at_least(4, 2, 0),
            "toYamlPretty" => self.at_least(3, 17, 0),
            _ => true,
        }
    }
}

const KINDS: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// As helm 3.21 and 4.2 print them.
const API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha2",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];
