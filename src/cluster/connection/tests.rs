use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server on a free port of the loopback. Each request's head is given to `answer`; `None` never answers.
async fn server(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut buffer = [0; 4096];
                while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                    match stream.read(&mut buffer).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => head.extend_from_slice(&buffer[..read]),
                    }
                }
                match answer(&String::from_utf8_lossy(&head)) {
                    Some(reply) => stream.write_all(reply.as_bytes()).await.unwrap_or_default(),
                    None => std::future::pending().await,
                }
            });
        }
    });
    format!("http://{address}")
}

fn reply(code: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {code}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

const VERSION: &str = r#"{"major":"1","minor":"35","gitVersion":"v1.35.8","gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}"#;

fn kubeconfig(server: &str, user: &str) -> Kubeconfig {
    Kubeconfig::parse(&format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: other\nclusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: u, user: {user}}}]\ncontexts: [{{name: work, context: {{cluster: c, user: u, namespace: n}}}}]\n"
    ))
    .unwrap()
}

fn plugin(script: &Path) -> String {
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}']}}}}",
        script.display()
    )
}

#[tokio::test]
async fn a_context_that_is_not_there_names_those_that_are() {
    let config = kubeconfig("http://127.0.0.1:1", "{}");
    let fault = Connection::open(&config, "absent").await.unwrap_err();
    assert!(
        matches!(&fault, Fault::NoContext { context, cause } if context == "absent" && cause.contains("work")),
        "{fault:?}"
    );
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    // A port that was free a moment ago and is not listened on.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let connection = Connection::open(&kubeconfig(&format!("http://{address}"), "{}"), "work").await.unwrap();
    let fault = connection.version().await.unwrap_err();
    assert_eq!(fault.word(), "unreachable", "{fault:?}");
    assert!(fault.to_string().contains(&address.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let address = server(|_| None).await;
    let connection = Connection::open(&kubeconfig(&address, "{token: t}"), "work").await.unwrap();
    let start = tokio::time::Instant::now();
    let fault = connection.version().await.unwrap_err();
    assert_eq!(fault.word(), "no answer", "{fault:?}");
    assert!(start.elapsed() <= FIRST_BYTE);
}

#[tokio::test]
async fn a_refused_token_needs_a_login() {
    let status = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#;
    let address = server(move |_| Some(reply("401 Unauthorized", status))).await;
    let connection = Connection::open(&kubeconfig(&address, "{token: old}"), "work").await.unwrap();
    assert_eq!(connection.version().await.unwrap_err().word(), "needs login");
}

#[tokio::test]
async fn a_credential_programs_token_is_sent_and_fetched_anew_when_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (script, count) = (dir.path().join("login.sh"), dir.path().join("count"));
    std::fs::write(
        &script,
        format!(
            "echo x >> {0}\necho '{{\"status\":{{\"token\":\"token-'$(wc -l < {0} | tr -d ' ')'\"}}}}'\n",
            count.display()
        ),
    )
    .unwrap();
    // The first token has been revoked.
    let address = server(|head| {
        Some(if head.to_lowercase().contains("authorization: bearer token-2") {
            reply("200 OK", VERSION)
        } else {
            reply(
                "401 Unauthorized",
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"code\":401}",
            )
        })
    })
    .await;
    let connection = Connection::open(&kubeconfig(&address, &plugin(&script)), "work").await.unwrap();
    assert!(!count.exists(), "opening asks for nothing");
    let fault = connection.version().await.unwrap_err();
    assert!(
        matches!(&fault, Fault::NeedsLogin { command: Some(command), .. } if command.starts_with("sh ")),
        "{fault:?}"
    );
    assert_eq!(connection.version().await.unwrap(), "v1.35.8");
    assert_eq!(connection.version().await.unwrap(), "v1.35.8");
    assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 2, "a good token is kept");
}

#[tokio::test]
async fn a_failing_credential_program_is_not_run_again_by_every_call() {
    let dir = tempfile::tempdir().unwrap();
    let (script, count) = (dir.path().join("login.sh"), dir.path().join("count"));
    std::fs::write(&script, format!("echo x >> {}\necho 'please log in' >&2\nexit 1\n", count.display()))
        .unwrap();
    let address = server(|_| None).await;
    let connection = Connection::open(&kubeconfig(&address, &plugin(&script)), "work").await.unwrap();
    for _ in 0..3 {
        let fault = connection.version().await.unwrap_err();
        assert!(matches!(&fault, Fault::NeedsLogin { cause, .. } if cause == "please log in"), "{fault:?}");
    }
    assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 1);
}
