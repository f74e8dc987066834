//! Credential programs (`exec` of a kubeconfig user): run without a terminal and with a time limit.
//!
//! kube's own runner has neither a time limit nor a way to end the program, and inherits the terminal's input
//! unless told otherwise; a hanging `kubelogin` would take a worker thread with it and swallow keys.

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use kube::config::ExecConfig;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::base::starts;

use super::fault::{Fault, clean};
use super::kubeconfig::{login_of, needs_terminal};

/// How long a credential program may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Credentials are small; more than this is not an answer.
const OUTPUT_LIMIT: u64 = 1024 * 1024;

/// What a credential program gave. Not `Debug`: it is secret.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) token: Option<String>,
    /// Certificate and key, PEM.
    pub(crate) certificate: Option<(String, String)>,
    pub(crate) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    status: Option<AnswerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerStatus {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the program and reads what it prints.
pub(crate) async fn run(exec: &ExecConfig, limit: Duration) -> Result<Credentials, Fault> {
    let login = login_of(exec);
    let needs_login =
        |cause: String| Fault::NeedsLogin { command: Some(login.command()), cause: clean(&cause) };
    if login.program.is_empty() {
        return Err(needs_login("the kubeconfig names no program".to_owned()));
    }
    if needs_terminal(exec) {
        return Err(needs_login("the credential program wants a terminal".to_owned()));
    }
    let mut command = tokio::process::Command::new(&login.program);
    command
        .args(&login.arguments)
        .envs(login.environment.iter().map(|(name, value)| (name, value)))
        .env("KUBERNETES_EXEC_INFO", request(exec).to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: what it started ends with it, and Ctrl-C on our terminal is not for it.
        .process_group(0)
        .kill_on_drop(true);
    let mut child = starts::start(|| command.spawn()).map_err(|error| {
        let hint = login.install_hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        needs_login(format!("cannot run {}: {error}{hint}", login.program))
    })?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(needs_login("the credential program has no output".to_owned()));
    };
    let work = async {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (read_out, read_err, status) = tokio::join!(
            async { stdout.take(OUTPUT_LIMIT).read_to_end(&mut out).await },
            async { stderr.take(OUTPUT_LIMIT).read_to_end(&mut err).await },
            child.wait(),
        );
        read_out.and(read_err).and(status).map(|status| (status, out, err))
    };
    let ended = tokio::time::timeout(limit, work).await;
    let Ok(ended) = ended else {
        if let Some(group) = group {
            // Gone already is as good as killed.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        return Err(needs_login(format!("the credential program took longer than {} s", limit.as_secs())));
    };
    let (status, out, err) =
        ended.map_err(|error| needs_login(format!("cannot read from the credential program: {error}")))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&err);
        let said = said.trim();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        let said: Vec<&str> = last.into_iter().rev().collect();
        return Err(needs_login(if said.is_empty() {
            format!("the credential program ended with {status}")
        } else {
            said.join("\n")
        }));
    }
    read(&out).map_err(needs_login)
}

/// What the program is told: how it is asked, and about which cluster if it wants to know.
fn request(exec: &ExecConfig) -> Value {
    let mut spec = json!({"interactive": false});
    if exec.provide_cluster_info
        && let Some(cluster) = &exec.cluster
        && let Ok(cluster) = serde_json::to_value(cluster)
    {
        spec["cluster"] = cluster;
    }
    json!({
        "apiVersion": exec.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": spec,
    })
}

/// Reads an `ExecCredential`; some programs print YAML, of which JSON is a part. Never repeats what it read.
fn read(output: &[u8]) -> Result<Credentials, String> {
    let text =
        std::str::from_utf8(output).map_err(|_| "the credential program printed no text".to_owned())?;
    let answer: Answer = serde_json::from_str(text)
        .ok()
        .or_else(|| serde_saphyr::from_str(text).ok())
        .ok_or_else(|| "the credential program printed no ExecCredential".to_owned())?;
    let status = answer.status.ok_or_else(|| "the credential program gave no credentials".to_owned())?;
    let expires = match status.expiration_timestamp.as_deref() {
        None | Some("") => None,
        Some(text) => Some(
            text.parse().map_err(|_| "the credential program gave an expiry that is no time".to_owned())?,
        ),
    };
    let certificate = match (status.client_certificate_data, status.client_key_data) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => None,
    };
    let token = status.token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    if token.is_none() && certificate.is_none() {
        return Err("the credential program gave neither token nor certificate".to_owned());
    }
    Ok(Credentials { token, certificate, expires })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str) -> ExecConfig {
        ExecConfig {
            command: Some("sh".into()),
            args: Some(vec!["-c".into(), script.into()]),
            ..ExecConfig::default()
        }
    }

    #[tokio::test]
    async fn a_token_and_its_expiry_are_read() {
        let exec = shell(
            r#"echo '{"status":{"token":"t-'$(echo "$KUBERNETES_EXEC_INFO" | grep -c '"interactive":false')'","expirationTimestamp":"2030-01-01T00:00:00Z"}}'"#,
        );
        let credentials = run(&exec, LIMIT).await.ok().unwrap();
        assert_eq!(credentials.token.as_deref(), Some("t-1"));
        assert_eq!(credentials.expires, Some("2030-01-01T00:00:00Z".parse().unwrap()));
    }

    #[tokio::test]
    async fn it_gets_no_input_and_its_last_words_are_the_cause() {
        let fault = run(&shell("read line && exit 0; echo 'AADSTS700082: token expired' >&2; exit 3"), LIMIT)
            .await
            .err()
            .unwrap();
        let Fault::NeedsLogin { command, cause } = fault else { unreachable!("{fault}") };
        assert!(command.unwrap().starts_with("sh -c "));
        assert_eq!(cause, "AADSTS700082: token expired");
    }

    #[tokio::test]
    async fn a_hanging_program_and_its_children_end_with_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let marker = dir.path().join("pid");
        let exec = shell(&format!("sleep 600 & echo $! > {}; wait", marker.display()));
        let start = Instant::now();
        let fault = run(&exec, Duration::from_millis(700)).await.err().unwrap();
        assert!(start.elapsed() < Duration::from_secs(30));
        assert_eq!(fault.word(), "needs login");
        let pid: i32 = std::fs::read_to_string(&marker).unwrap().trim().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        // Killed; until init has reaped it, it may still be a zombie that takes signals.
        let stat = std::path::PathBuf::from(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let alive = std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
            if !alive {
                break;
            }
            assert!(Instant::now() < end, "the child outlived the limit");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_said_with_the_install_hint() {
        let exec = ExecConfig {
            command: Some("/nonexistent/kubelogin".into()),
            install_hint: Some("brew install kubelogin".into()),
            ..ExecConfig::default()
        };
        let fault = run(&exec, LIMIT).await.err().unwrap();
        assert!(fault.to_string().contains("login"));
        let Fault::NeedsLogin { cause, .. } = fault else { unreachable!() };
        assert!(cause.contains("brew install kubelogin"), "{cause}");
    }

    #[test]
    fn answers_without_credentials_are_refused_and_not_repeated() {
        for text in ["", "secret-token", "{\"status\":{}}", "{\"status\":{\"token\":\" \"}}"] {
            let error = read(text.as_bytes()).err().unwrap();
            assert!(!error.contains("secret-token"));
        }
        let yaml = read(b"kind: ExecCredential\nstatus:\n  token: abc\n").ok().unwrap();
        assert_eq!(yaml.token.as_deref(), Some("abc"));
    }
}
