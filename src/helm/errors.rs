//! What helm's errors mean and what to do about them. helm exits with 0 or 1, so the words are all there is; they
//! differ in case between the generations and are matched without it. They are always kept below ours.

use crate::base::Error;

/// The failures that lead somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The last revision is pending.
    Pending,
    /// An install on a name that is in use.
    InUse,
    /// No such release.
    NotFound,
    /// Nothing is deployed.
    NothingDeployed,
    /// Somebody else wrote the same revision first.
    LostRace,
    /// The rollback's target is not kept.
    NoSuchRevision,
    /// An object belongs to somebody else.
    Foreign,
    /// The values do not fit the schema.
    Schema,
    /// Server-side apply found another owner of a field.
    Conflict,
    /// A field cannot change.
    Immutable,
    /// The time was up before everything was ready.
    TimedOut,
    /// A hook failed.
    Hook,
    /// helm undid the change by itself.
    RolledBack,
    /// No connection, or no login.
    Unreachable,
    /// We lack a right.
    Forbidden,
    /// The stored manifest holds an API that the cluster no longer has.
    RemovedApi,
    /// The namespace is not there.
    NoNamespace,
    /// The record is larger than a Secret may be.
    TooLarge,
    /// A dependency is missing.
    Dependencies,
    /// A template failed.
    Template,
    /// A test failed.
    Test,
    /// An interrupt was caught.
    Cancelled,
    /// A quota refused it.
    Quota,
    /// Nothing that is known.
    Other,
}

struct Row {
    failure: Failure,
    /// All of a group must be in the words; one group suffices.
    any_of: &'static [&'static [&'static str]],
    what: &'static str,
    next: &'static str,
}

/// The first row that matches counts: what is more telling stands above what follows from it.
const TABLE: &[Row] = &[
    Row {
        failure: Failure::RolledBack,
        any_of: &[&["has been rolled back due to"], &["has been uninstalled due to"]],
        what: "it failed, and helm undid it by itself",
        next: "read the reason below, correct it and try again",
    },
    Row {
        failure: Failure::Pending,
        any_of: &[&["another operation (install/upgrade/rollback) is in progress"]],
        what: "the release is pending: an operation is at work or was cut off",
        next: "wait if a helm may still be at work, otherwise roll back to the last deployed revision",
    },
    Row {
        failure: Failure::Cancelled,
        any_of: &[&["has been cancelled"], &["context canceled"]],
        what: "it was interrupted",
        next: "the revision is marked as failed; upgrade again or roll back",
    },
    Row {
        failure: Failure::InUse,
        any_of: &[&["cannot re-use a name"], &["cannot reuse a name"]],
        what: "a release of this name exists already",
        next: "upgrade it instead of installing",
    },
    Row {
        failure: Failure::NothingDeployed,
        any_of: &[&["has no deployed releases"]],
        what: "no revision of this release is deployed",
        next: "roll back to a revision of the history, or uninstall and install",
    },
    Row {
        failure: Failure::LostRace,
        any_of: &[&["release: already exists"]],
        what: "somebody else wrote the same revision at the same moment",
        next: "look at the release again, then plan anew",
    },
    Row {
        failure: Failure::NoSuchRevision,
        any_of: &[&["release has no", "version"]],
        what: "this revision is not kept",
        next: "choose a revision of the history",
    },
    Row {
        failure: Failure::NotFound,
        any_of: &[&["release: not found"], &["release not loaded"]],
        what: "there is no such release",
        next: "check namespace and name, or install it",
    },
    Row {
        failure: Failure::Foreign,
        any_of: &[&["invalid ownership metadata"]],
        what: "an object of this name belongs to somebody else",
        next: "remove or rename it, or let helm take it over with --take-ownership",
    },
    Row {
        failure: Failure::Schema,
        any_of: &[&["values don't meet the specifications of the schema"]],
        what: "the values do not fit the chart's schema",
        next: "correct the values that are named",
    },
    Row {
        failure: Failure::Dependencies,
        any_of: &[&["missing in charts/"], &["error occurred while checking for chart dependencies"]],
        what: "a dependency of the chart is not built",
        next: "build the dependencies (helm dependency build)",
    },
    Row {
        failure: Failure::Immutable,
        any_of: &[
            &["field is immutable"],
            &["are immutable"],
            &["updates to statefulset spec for fields other than"],
        ],
        what: "a field that cannot change was changed",
        next: "the object has to be removed and made anew; its data may be at risk",
    },
    Row {
        failure: Failure::Conflict,
        any_of: &[&["conflict occurred while applying"], &["conflict with \""], &["apply failed with"]],
        what: "somebody else manages a field that the chart sets",
        next: "leave the field to its owner, or take it over with --force-conflicts",
    },
    Row {
        failure: Failure::Quota,
        any_of: &[&["exceeded quota"]],
        what: "the namespace's quota does not allow it",
        next: "lower requests or ask for more quota",
    },
    Row {
        failure: Failure::Test,
        any_of: &[
            &["1 error occurred", "test"],
            &["hook", "test", "failed"],
            &["pod", "-test", "failed"],
            &["test suite", "failed"],
        ],
        what: "a test of the release failed",
        next: "read the log of the test's pod",
    },
    Row {
        failure: Failure::Hook,
        any_of: &[
            &["hooks failed"],
            &["failed pre-"],
            &["failed post-"],
            &["job", "failed: backofflimitexceeded"],
            &["job", "failed: deadlineexceeded"],
        ],
        what: "a hook failed",
        next: "read the log of its job",
    },
    Row {
        failure: Failure::NoNamespace,
        any_of: &[&["namespaces \"", "not found"]],
        what: "the namespace does not exist",
        next: "create it, or let helm do so (create namespace in the plan)",
    },
    Row {
        failure: Failure::Unreachable,
        any_of: &[
            &["kubernetes cluster unreachable"],
            &["connection refused"],
            &["no such host"],
            &["i/o timeout"],
            &["unable to connect to the server"],
            &["you must be logged in to the server"],
            &["x509:"],
        ],
        what: "the cluster cannot be reached or does not know us",
        next: "check network and login; the chart has nothing to do with it",
    },
    Row {
        failure: Failure::Forbidden,
        any_of: &[&["is forbidden"], &["forbidden: user"]],
        what: "a right is missing",
        next: "ask for the right, or use a context that has it",
    },
    Row {
        failure: Failure::RemovedApi,
        any_of: &[&["removed kubernetes api"]],
        what: "the deployed revision holds an API that this cluster no longer has",
        next: "map the stored manifest to a newer API (helm plugin mapkubeapis), then upgrade",
    },
    Row {
        failure: Failure::TooLarge,
        any_of: &[
            &["must have at most 1048576 bytes"],
            &["limit is 3145728"],
            &["too long: may not be more than"],
        ],
        what: "the release is too large for a Secret",
        next: "keep files that are not needed out of the chart (.helmignore)",
    },
    Row {
        failure: Failure::TimedOut,
        any_of: &[
            &["context deadline exceeded"],
            &["timed out waiting for the condition"],
            &["not ready. status:"],
        ],
        what: "not everything was ready in time",
        next: "see which object is not ready and why; the revision stays as failed",
    },
    Row {
        failure: Failure::Template,
        any_of: &[
            &["execution error at"],
            &["parse error at"],
            &["yaml parse error on"],
            &["error calling"],
            &["templates/"],
        ],
        what: "the chart does not render",
        next: "correct the template line that is named, or the value it reads",
    },
];

/// What failed, in our words with helm's below. `words` is helm's standard error, redacted and neutralised.
pub fn explain(words: &str) -> (Failure, Error) {
    let kept = essence(words);
    let lower = words.to_lowercase();
    for row in TABLE {
        let hit = row.any_of.iter().any(|all| all.iter().all(|part| lower.contains(part)));
        if hit {
            return (row.failure, Error::new(row.what).because(kept).next(row.next));
        }
    }
    if kept.is_empty() {
        return (Failure::Other, Error::new("helm failed without a word"));
    }
    (Failure::Other, Error::new("helm failed").because(kept))
}

/// Objects that helm 4 names when the time is up: `Deployment/floe-dev/web`, with its own reason.
pub fn not_ready(words: &str) -> Vec<(String, String)> {
    words
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" not ready. ")?;
            let object = before.rsplit("resource ").next()?.trim();
            (object.matches('/').count() >= 1).then(|| (object.to_owned(), after.trim().to_owned()))
        })
        .collect()
}

/// helm's words without what says nothing: log levels and warnings about the kubeconfig's mode.
fn essence(words: &str) -> String {
    let has_error = words.lines().any(|line| line.starts_with("Error:"));
    let kept = words.lines().filter(|line| {
        let lower = line.to_lowercase();
        let about_mode = lower.contains("kubernetes configuration file is") && lower.contains("readable");
        // helm 4 logs what it then says as its error.
        let logged = has_error && (lower.starts_with("level=") || lower.starts_with("time="));
        !about_mode && !logged && !line.trim().is_empty()
    });
    kept.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_both_generations() {
        let cases = [
            (
                "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
                Failure::Pending,
            ),
            ("Error: INSTALLATION FAILED: cannot re-use a name that is still in use", Failure::InUse),
            ("Error: INSTALLATION FAILED: cannot reuse a name that is still in use", Failure::InUse),
            ("Error: release: not found", Failure::NotFound),
            ("Error: uninstall: Release not loaded: floe: release: not found", Failure::NotFound),
            ("Error: UPGRADE FAILED: \"floe\" has no deployed releases", Failure::NothingDeployed),
            ("Error: release has no 7 version", Failure::NoSuchRevision),
            (
                "Error: INSTALLATION FAILED: Unable to continue with install: Service \"web\" in namespace \"d\" exists and cannot be imported into the current release: invalid ownership metadata; label",
                Failure::Foreign,
            ),
            (
                "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nfloe:\n- at '/replicas': minimum: got -1, want 1",
                Failure::Schema,
            ),
            (
                "Error: UPGRADE FAILED: conflict occurred while applying object d/web apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas",
                Failure::Conflict,
            ),
            (
                "Error: UPGRADE FAILED: cannot patch \"web\" with kind Deployment: Deployment.apps \"web\" is invalid: spec.selector: Invalid value: x: field is immutable",
                Failure::Immutable,
            ),
            ("Error: INSTALLATION FAILED: context deadline exceeded", Failure::TimedOut),
            (
                "Error: UPGRADE FAILED: pre-upgrade hooks failed: resource Job/d/m not ready. status: Failed, message: Job Failed. failed: 1/1",
                Failure::Hook,
            ),
            ("* job migrate failed: BackoffLimitExceeded", Failure::Hook),
            (
                "Error: UPGRADE FAILED: release floe failed, and has been rolled back due to rollback-on-failure being set: context deadline exceeded",
                Failure::RolledBack,
            ),
            (
                "Error: Kubernetes cluster unreachable: Get \"https://x\": dial tcp: connection refused",
                Failure::Unreachable,
            ),
            (
                "Error: query: failed to query with labels: secrets is forbidden: User \"viewer\" cannot list resource \"secrets\"",
                Failure::Forbidden,
            ),
            (
                "Error: INSTALLATION FAILED: create: failed to create: namespaces \"x\" not found",
                Failure::NoNamespace,
            ),
            (
                "Error: INSTALLATION FAILED: An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: otel",
                Failure::Dependencies,
            ),
            (
                "Error: INSTALLATION FAILED: release floe failed: Release floe has been cancelled.",
                Failure::Cancelled,
            ),
            ("something new", Failure::Other),
        ];
        for (words, failure) in cases {
            let (found, error) = explain(words);
            assert_eq!(found, failure, "{words}");
            assert!(
                error.cause.is_some_and(|cause| words.contains(cause.lines().next().unwrap_or_default()))
            );
        }
        assert_eq!(explain("").1.what, "helm failed without a word");
    }

    #[test]
    fn helm_4_names_what_is_not_ready() {
        let words = "Error: INSTALLATION FAILED: resource Deployment/floe-dev/web not ready. status: InProgress, message: Available: 0/1\nresource StatefulSet/floe-dev/db not ready. status: InProgress, message: Ready: 0/1\ncontext deadline exceeded";
        let found = not_ready(words);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            ("Deployment/floe-dev/web".to_owned(), "status: InProgress, message: Available: 0/1".to_owned())
        );
    }
}
