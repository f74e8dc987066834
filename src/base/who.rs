//! Who sits here: the user and the machine, for the journal of what was done. What the system does not say is left out.

use std::path::Path;

/// `user@host`; without a host the user alone, `None` when the system names no user.
pub fn am_i() -> Option<String> {
    let uid = rustix::process::getuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = user_of(&passwd, uid).or_else(|| variable("LOGNAME")).or_else(|| variable("USER"))?;
    let host =
        ["/proc/sys/kernel/hostname", "/etc/hostname"].iter().find_map(|file| first_line(Path::new(file)));
    let words = match host.or_else(|| variable("HOSTNAME")) {
        Some(host) => format!("{user}@{host}"),
        None => user,
    };
    Some(super::text::one_line(&words))
}

/// The name of a number in the format of passwd(5).
fn user_of(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn first_line(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_name_of_its_own_line() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:7::\nfloe:x:1000:10:Floe:/home/floe:/bin/bash\n";
        assert_eq!(user_of(passwd, 1000).as_deref(), Some("floe"));
        assert_eq!(user_of(passwd, 0).as_deref(), Some("root"));
        assert_eq!(user_of(passwd, 10), None);
        assert_eq!(user_of(passwd, 7), None);
    }
}
