//! Telling whether a process that was written down is still the same one: a pid alone may be somebody else's by now,
//! a pid with its start time is not.

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

/// When a process started, in a form that only says same or different; `None` when it is gone or cannot be told.
pub fn start_time(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold spaces and brackets: count from the last one. Field 22 is the start time.
        let after = &stat[stat.rfind(')')? + 1..];
        let mut fields = after.split_whitespace();
        if fields.next()? == "Z" {
            return None;
        }
        fields.nth(18).map(str::to_owned)
    } else {
        let output = std::process::Command::new("ps")
            .args(["-o", "lstart=", "-p", &pid.to_string()])
            .stdin(std::process::Stdio::null())
            .output()
            .ok()?;
        let words = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !words.is_empty()).then_some(words)
    }
}

/// Whether the process that was written down still runs.
pub fn is_alive(pid: u32, start: Option<&str>) -> bool {
    match start {
        Some(start) => start_time(pid).as_deref() == Some(start),
        None => raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok()),
    }
}

/// Sends a signal to a process, and for a kill to its whole group. `false` when it is not there any more.
pub fn signal(pid: u32, start: Option<&str>, signal: Signal) -> bool {
    let Some(target) = raw(pid).filter(|_| is_alive(pid, start)) else { return false };
    if signal == Signal::KILL {
        return kill_process_group(target, signal).is_ok() || kill_process(target, signal).is_ok();
    }
    kill_process(target, signal).is_ok()
}

fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ourselves_and_nobody() {
        let me = std::process::id();
        let start = start_time(me).unwrap();
        assert!(is_alive(me, Some(&start)));
        assert!(!is_alive(me, Some("another time")), "a reused pid is somebody else");
        let mut child = std::process::Command::new("sh").args(["-c", "exit 0"]).spawn().unwrap();
        let (pid, start) = (child.id(), start_time(child.id()));
        child.wait().unwrap();
        assert!(!is_alive(pid, start.as_deref().or(Some("gone"))));
    }
}
