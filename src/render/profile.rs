//! What differs between versions of helm in what a rendering prints, chosen from the installed helm. All of it stands
//! here: the rest of the engine asks the profile, never the version. Which versions are proven stands here too.

use semver::Version;

use crate::chart::semver::Library;
use crate::chart::strict::{Loader, Names};
use crate::values::Rules;

/// A helm version's way of rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Profile {
    major: u64,
    minor: u64,
    patch: u64,
}

/// How a file is taken apart into documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splitting {
    /// Dashes take all white space around them, and each document is trimmed.
    Trimmed,
    /// Dashes take all white space around them; what ends the file keeps the white space at its end.
    Greedy,
    /// At lines that begin with dashes; each document keeps the white space at its end.
    Lines,
}

/// What helm keeps of a version of Kubernetes that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KubeReading {
    /// A semantic version, made whole: `1.27` is `v1.27.0`.
    Semantic,
    /// Its numbers: `1.27.3-gke.1` is `v1.27.3`.
    Numbers,
    /// As given; constraints see the numbers.
    Given,
}

impl Profile {
    /// The newest helm 4 that is known.
    pub const FOUR: Self = Self { major: 4, minor: 2, patch: 4 };
    /// The newest helm 3 that is known.
    pub const THREE: Self = Self { major: 3, minor: 21, patch: 4 };

    /// The versions that the tests compare with, those of `tests/sandbox/versions`: the newest two in every run, the others
    /// in the full one. A version between two of them is not proven, even where nothing here tells it from them.
    pub const PROVEN: &[Self] = &[
        Self { major: 3, minor: 12, patch: 3 },
        Self { major: 3, minor: 20, patch: 0 },
        Self::THREE,
        Self { major: 4, minor: 0, patch: 0 },
        Self { major: 4, minor: 2, patch: 3 },
        Self::FOUR,
    ];

    /// The profile of a helm version.
    pub fn of(version: &Version) -> Self {
        Self { major: version.major, minor: version.minor, patch: version.patch }
    }

    /// Whether the tests compare with exactly this version.
    pub fn is_proven(self) -> bool {
        Self::PROVEN.contains(&self)
    }

    fn at_least(self, major: u64, minor: u64, patch: u64) -> bool {
        (self.major, self.minor, self.patch) >= (major, minor, patch)
    }

    /// Something that came with one version of helm 3, and with one of helm 4 (minor and patch).
    fn since(self, three: (u64, u64), four: (u64, u64)) -> bool {
        (self.minor, self.patch) >= if self.is_four() { four } else { three }
    }

    pub fn version(self) -> Version {
        Version::new(self.major, self.minor, self.patch)
    }

    pub fn is_four(self) -> bool {
        self.major >= 4
    }

    // ---- names of Go

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

    // ---- loading and values

    /// What helm refuses about a chart, and in which words.
    pub fn loader(self) -> Loader {
        Loader {
            four: self.is_four(),
            names: if self.since((20, 2), (1, 4)) {
                Names::NoDots
            } else if self.at_least(3, 14, 1) {
                Names::NoSlash
            } else {
                Names::Any
            },
            refuses_twins: self.at_least(3, 14, 0),
            unpacking: if self.at_least(3, 17, 0) { "unpacking subchart" } else { "unpacking" },
        }
    }

    /// How values are put together.
    pub fn rules(self) -> Rules {
        if self.at_least(4, 2, 0) {
            Rules::V4_2_0
        } else if self.since((20, 1), (1, 3)) {
            Rules::V3_20_1
        } else if self.at_least(3, 19, 5) {
            Rules::V3_19_5
        } else if self.at_least(3, 17, 1) {
            Rules::V3_17_1
        } else if self.at_least(3, 13, 1) {
            Rules::V3_13_1
        } else if self.at_least(3, 13, 0) {
            Rules::V3_13_0
        } else {
            Rules::V3_12_0
        }
    }

    /// The words in front of the dependencies that are missing.
    pub fn missing_dependencies(self) -> &'static str {
        if self.at_least(4, 2, 0) {
            "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' \
             to fetch missing dependencies"
        } else if self.is_four() {
            "an error occurred while checking for chart dependencies. You may need to run `helm dependency build` \
             to fetch missing dependencies"
        } else {
            "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` \
             to fetch missing dependencies"
        }
    }

    // ---- templates

    /// Whether this helm has a function of this name.
    pub fn has_function(self, name: &str) -> bool {
        match name {
            "sha512sum" => self.at_least(3, 16, 0),
            "toYamlPretty" | "fromToml" => self.at_least(3, 17, 0),
            "mustToYaml" => self.is_four(),
            "mustToToml" => self.at_least(4, 2, 0),
            _ => true,
        }
    }

    /// Whether `tpl` renders apart: with all templates parsed anew, but for the file that calls it.
    pub fn tpl_is_apart(self) -> bool {
        !self.at_least(3, 13, 0)
    }

    /// Whether `.Files.Lines` drops the end of the last line.
    pub fn lines_end(self) -> bool {
        self.at_least(3, 13, 0)
    }

    /// Whether `.Files.Lines` breaks down on a file without content.
    pub fn lines_break_on_nothing(self) -> bool {
        self.lines_end() && !self.since((21, 4), (u64::MAX, 0))
    }

    /// The library that `semver`, `semverCompare` and `kubeVersion` go to.
    pub fn semver(self) -> Library {
        if self.since((21, 1), (2, 0)) {
            Library::V3_5
        } else if self.at_least(3, 19, 0) {
            Library::V3_4
        } else {
            Library::V3_2
        }
    }

    // ---- the cluster that is taken for granted

    /// Kubernetes as this helm's client library knows it.
    pub fn client(self) -> (u64, u64) {
        let minor = match self.minor {
            minor if self.is_four() => 34 + minor,
            21 if self.patch < 2 => 35,
            minor => 15 + minor,
        };
        (1, minor)
    }

    /// Kubernetes as helm assumes it without a cluster: the version of its client library.
    pub fn kube(self) -> (u64, u64) {
        // That release was built without being told.
        if self == (Self { major: 4, minor: 0, patch: 0 }) { (1, 20) } else { self.client() }
    }

    /// How `--kube-version` is read.
    pub fn kube_reading(self) -> KubeReading {
        if self.at_least(4, 1, 0) {
            KubeReading::Given
        } else if self.at_least(3, 19, 0) {
            KubeReading::Numbers
        } else {
            KubeReading::Semantic
        }
    }

    /// The API versions that helm assumes without a cluster.
    pub fn api_versions(self) -> impl Iterator<Item = &'static str> {
        let (_, minor) = self.client();
        let known = API_VERSIONS.iter().filter(move |(_, from, to)| (*from..=*to).contains(&minor));
        known.map(|(api, ..)| *api)
    }

    // ---- output

    /// How a file is taken apart into documents.
    pub fn splitting(self) -> Splitting {
        if self.at_least(4, 2, 4) {
            Splitting::Lines
        } else if self.at_least(4, 2, 0) {
            Splitting::Greedy
        } else {
            Splitting::Trimmed
        }
    }

    /// The order in which kinds are printed; others come last.
    pub fn kinds(self) -> &'static [&'static str] {
        // 3.12.3 added the first one, helm 4 the two kinds of webhook configurations at the end.
        let from = usize::from(!self.at_least(3, 12, 3));
        let to = if self.is_four() { KINDS.len() } else { KINDS.len() - 2 };
        KINDS.get(from..to).unwrap_or(KINDS)
    }

    /// Whether `# Source` names a CRD by its path from the release's chart; else from the chart that holds it.
    pub fn crds_have_paths(self) -> bool {
        self.at_least(3, 13, 0)
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

/// No later version is known without it.
const NOW: u64 = u64::MAX;

/// What Kubernetes' client library registers, in its order: API version, first and last minor version that has it. From 27,
/// which helm 3.12 was built with, to 36.
const API_VERSIONS: &[(&str, u64, u64)] = &[
    ("v1", 0, NOW),
    ("admissionregistration.k8s.io/v1", 0, NOW),
    ("admissionregistration.k8s.io/v1alpha1", 0, NOW),
    ("admissionregistration.k8s.io/v1beta1", 0, NOW),
    ("internal.apiserver.k8s.io/v1alpha1", 0, NOW),
    ("apps/v1", 0, NOW),
    ("apps/v1beta1", 0, NOW),
    ("apps/v1beta2", 0, NOW),
    ("authentication.k8s.io/v1", 0, NOW),
    ("authentication.k8s.io/v1alpha1", 0, NOW),
    ("authentication.k8s.io/v1beta1", 0, NOW),
    ("authorization.k8s.io/v1", 0, NOW),
    ("authorization.k8s.io/v1beta1", 0, NOW),
    ("autoscaling/v1", 0, NOW),
    ("autoscaling/v2", 0, NOW),
    ("autoscaling/v2beta1", 0, 35),
    ("autoscaling/v2beta2", 0, 35),
    ("batch/v1", 0, NOW),
    ("batch/v1beta1", 0, NOW),
    ("certificates.k8s.io/v1", 0, NOW),
    ("certificates.k8s.io/v1beta1", 0, NOW),
    ("certificates.k8s.io/v1alpha1", 0, NOW),
    ("coordination.k8s.io/v1alpha2", 32, NOW),
    ("coordination.k8s.io/v1alpha1", 31, 31),
    ("coordination.k8s.io/v1beta1", 0, NOW),
    ("coordination.k8s.io/v1", 0, NOW),
    ("discovery.k8s.io/v1", 0, NOW),
    ("discovery.k8s.io/v1beta1", 0, NOW),
    ("events.k8s.io/v1", 0, NOW),
    ("events.k8s.io/v1beta1", 0, NOW),
    ("extensions/v1beta1", 0, NOW),
    ("flowcontrol.apiserver.k8s.io/v1", 29, NOW),
    ("flowcontrol.apiserver.k8s.io/v1alpha1", 0, 28),
    ("flowcontrol.apiserver.k8s.io/v1beta1", 0, NOW),
    ("flowcontrol.apiserver.k8s.io/v1beta2", 0, NOW),
    ("flowcontrol.apiserver.k8s.io/v1beta3", 0, NOW),
    ("networking.k8s.io/v1", 0, NOW),
    ("networking.k8s.io/v1alpha1", 0, 33),
    ("networking.k8s.io/v1beta1", 0, NOW),
    ("node.k8s.io/v1", 0, NOW),
    ("node.k8s.io/v1alpha1", 0, NOW),
    ("node.k8s.io/v1beta1", 0, NOW),
    ("policy/v1", 0, NOW),
    ("policy/v1beta1", 0, NOW),
    ("rbac.authorization.k8s.io/v1", 0, NOW),
    ("rbac.authorization.k8s.io/v1beta1", 0, NOW),
    ("rbac.authorization.k8s.io/v1alpha1", 0, NOW),
    ("resource.k8s.io/v1", 34, NOW),
    ("resource.k8s.io/v1beta2", 33, NOW),
    ("resource.k8s.io/v1beta1", 32, NOW),
    ("resource.k8s.io/v1alpha3", 31, NOW),
    ("scheduling.k8s.io/v1alpha2", 36, NOW),
    ("resource.k8s.io/v1alpha2", 0, 30),
    ("scheduling.k8s.io/v1alpha1", 0, 35),
    ("scheduling.k8s.io/v1beta1", 0, NOW),
    ("scheduling.k8s.io/v1", 0, NOW),
    ("storage.k8s.io/v1beta1", 0, NOW),
    ("storage.k8s.io/v1", 0, NOW),
    ("storage.k8s.io/v1alpha1", 0, NOW),
    ("storagemigration.k8s.io/v1beta1", 35, NOW),
    ("storagemigration.k8s.io/v1alpha1", 30, 34),
    ("apiextensions.k8s.io/v1beta1", 0, NOW),
    ("apiextensions.k8s.io/v1", 0, NOW),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_release_by_its_own_line() {
        let of = |version: &str| Profile::of(&version.parse().unwrap());
        // 3.20.2 and 4.1.4 came out after 4.1.3: what the one has, the other lacks.
        assert_eq!(of("4.0.0").loader().names, Names::NoSlash);
        assert_eq!(of("3.20.2").loader().names, Names::NoDots);
        assert_eq!(of("4.1.4").loader().names, Names::NoDots);
        assert_eq!(of("3.20.0").rules(), of("4.1.2").rules());
        assert_eq!(of("3.21.0").rules(), of("4.1.3").rules());
        assert_eq!((of("3.21.1").kube(), of("3.21.2").kube()), ((1, 35), (1, 36)));
        assert_eq!((of("4.0.0").kube(), of("4.0.1").kube()), ((1, 20), (1, 34)));
        assert_eq!((of("3.21.0").semver(), of("4.1.4").semver()), (Library::V3_4, Library::V3_4));
        assert_eq!(of("3.12.0").kinds().first(), Some(&"Namespace"));
        assert_eq!(of("3.12.3").api_versions().count(), 53);
        assert_eq!(Profile::FOUR.api_versions().count(), 55);
        assert!(of("3.20.0").is_proven() && !of("3.20.1").is_proven());
    }
}
