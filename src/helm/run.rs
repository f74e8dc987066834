//! Running a program without a shell: scrubbed environment, its own process group, a time limit, capped output.
//! Dropping the future ends the whole group, so that nothing is left behind. Operations do not run through here:
//! they must survive us, see `operations::supervisor`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::argv;
use crate::base::{Error, Result, starts};

/// The most that is kept of one output; a rendering of the largest charts has some 5 MB.
pub const OUTPUT_LIMIT: usize = 64 * 1024 * 1024;

/// A program to run.
#[derive(Debug, Clone)]
pub struct Call {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// What it gets on its standard input; nothing otherwise.
    pub stdin: Option<Arc<[u8]>>,
    /// After this its whole process group is killed.
    pub timeout: Duration,
    /// Bytes kept of each output; more is read and dropped.
    pub limit: usize,
}

impl Call {
    /// A call with a limit of one minute and [`OUTPUT_LIMIT`].
    pub fn new<S: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = S>) -> Self {
        Self {
            program: program.to_owned(),
            args: args.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            stdin: None,
            timeout: Duration::from_mins(1),
            limit: OUTPUT_LIMIT,
        }
    }
}

/// What came out. Neither redacted nor neutralised.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Whether more came than was kept.
    pub cut: bool,
}

impl Output {
    /// Whether it ended with 0.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Ends a process group when it is dropped before its leader was reaped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs to the end. Errors: it cannot be started, or the time is up.
pub async fn run(call: &Call) -> Result<Output> {
    let name = call.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = Command::new(&call.program);
    command
        .args(&call.args)
        .stdin(if call.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for (variable, _) in std::env::vars_os() {
        if argv::is_scrubbed(&variable.to_string_lossy()) {
            command.env_remove(variable);
        }
    }
    // What runs here reads no release (a version, a rendering), but helm looks for its database before anything else.
    command.env_remove("HELM_DRIVER");
    command.env("NO_COLOR", "1");
    let mut child = starts::start(|| command.spawn()).map_err(|error| {
        Error::new(format!("cannot start {name}"))
            .at(call.program.display().to_string())
            .because(error)
            .next("check that the program exists and may be run")
    })?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut stdin), Some(bytes)) = (stdin, &call.stdin) {
            // A program that does not read all of it says why in its own words.
            let _ = stdin.write_all(bytes).await;
        }
    };
    let work = async {
        let ((), out, err, status) =
            tokio::join!(feed, collect(stdout, call.limit), collect(stderr, call.limit), child.wait());
        (out, err, status)
    };
    let Ok((out, err, status)) = tokio::time::timeout(call.timeout, work).await else {
        return Err(Error::new(format!("{name} did not end within {} s", call.timeout.as_secs()))
            .next("the machine may be overloaded, or a cluster does not answer; try again"));
    };
    group.0 = None;
    let status = status.map_err(|error| Error::new(format!("cannot wait for {name}")).because(error))?;
    Ok(Output {
        code: status.code(),
        cut: out.1 || err.1,
        stdout: String::from_utf8_lossy(&out.0).into_owned(),
        stderr: String::from_utf8_lossy(&err.0).into_owned(),
    })
}

/// Reads to the end, keeps at most `limit` bytes.
async fn collect(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> (Vec<u8>, bool) {
    let mut kept = Vec::new();
    let mut cut = false;
    let Some(mut stream) = stream else { return (kept, cut) };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let room = limit - kept.len();
        cut |= count > room;
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    (kept, cut)
}

/// Programs for tests.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod testing {
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::{Path, PathBuf};

    /// An executable shell script that plays helm.
    pub(crate) fn script(folder: &Path, name: &str, body: &str) -> PathBuf {
        use std::io::Write as _;
        let path = folder.join(name);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o755)
            .open(&path)
            .unwrap();
        write!(file, "#!/bin/sh\n{body}\n").unwrap();
        drop(file);
        path
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::testing::script;
    use super::*;

    async fn sh(body: &str, adjust: impl FnOnce(&mut Call)) -> Result<Output> {
        let folder = tempfile::tempdir().unwrap();
        let path = script(folder.path(), "fake", body);
        let mut call = Call::new(&path, ["one", "two words"]);
        adjust(&mut call);
        run(&call).await
    }

    #[tokio::test]
    async fn arguments_input_and_outputs() {
        let output = sh("cat; printf '%s|' \"$@\"; echo err >&2; exit 3", |call| {
            call.stdin = Some(Arc::from(b"in ".as_slice()));
        })
        .await
        .unwrap();
        assert_eq!(
            (output.code, output.stdout.as_str(), output.stderr.as_str()),
            (Some(3), "in one|two words|", "err\n")
        );
        let unread = sh("exit 0", |call| call.stdin = Some(vec![b'x'; 1 << 20].into())).await.unwrap();
        assert!(unread.success());
    }

    #[tokio::test]
    async fn a_flood_is_cut() {
        let output = sh("head -c 300000 /dev/zero", |call| call.limit = 1000).await.unwrap();
        assert!(output.cut && output.stdout.len() == 1000 && output.success());
    }

    #[tokio::test]
    async fn time_is_up_for_the_whole_group() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("pid");
        let body = format!("sleep 1000 & echo $! > {}; wait", fifo.display());
        let error = sh(&body, |call| call.timeout = Duration::from_millis(700)).await.unwrap_err();
        assert!(error.what.contains("did not end within"));
        let pid: i32 = std::fs::read_to_string(&fifo).unwrap().trim().parse().unwrap();
        let pid = Pid::from_raw(pid).unwrap();
        let limit = std::time::Instant::now() + Duration::from_secs(10);
        // The orphan is reaped by whoever adopts it; a zombie is as good as gone.
        while rustix::process::test_kill_process(pid).is_ok()
            && !std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
                .unwrap_or_default()
                .contains(") Z ")
        {
            assert!(std::time::Instant::now() < limit, "the grandchild lives");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_cannot_start_says_so() {
        let error = run(&Call::new(Path::new("/nonexistent/helm"), ["x"])).await.unwrap_err();
        assert_eq!(error.what, "cannot start helm");
    }
}
