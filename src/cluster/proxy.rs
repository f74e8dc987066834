//! Which proxy leads to a server, by the environment, as kubectl and helm decide it.
//!
//! kube's own reading compares `NO_PROXY` with the proxy's address instead of the server's, so that a loopback or
//! in-house server would be asked for through the company's proxy although helm reaches it directly.

use std::net::IpAddr;

use http::Uri;

/// The proxy of the environment for a server; `None` to connect directly.
pub(crate) fn from_environment(server: &Uri, env: impl Fn(&str) -> Option<String>) -> Option<String> {
    let get = |name: &str| {
        let value = env(name).or_else(|| env(&name.to_lowercase()));
        value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let proxy = match server.scheme_str() {
        Some("https") => get("HTTPS_PROXY"),
        _ => get("HTTP_PROXY"),
    }?;
    let host = server.host()?.trim_matches(['[', ']']).to_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return None;
    }
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("https") { 443 } else { 80 });
    let spared =
        get("NO_PROXY").is_some_and(|list| list.split(',').any(|rule| spares(rule, &host, address, port)));
    // `proxy.example:3128` is a host and a port, not a scheme.
    (!spared).then(|| if proxy.contains("://") { proxy } else { format!("http://{proxy}") })
}

/// Whether one entry of `NO_PROXY` names the server.
fn spares(rule: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    let rule = rule.trim().to_lowercase();
    if rule.is_empty() {
        return false;
    }
    if rule == "*" {
        return true;
    }
    if let Some((network, bits)) = rule.split_once('/') {
        return match (network.parse(), bits.parse(), address) {
            (Ok(network), Ok(bits), Some(address)) => contains(network, bits, address),
            _ => false,
        };
    }
    if let Ok(named) = rule.trim_matches(['[', ']']).parse::<IpAddr>() {
        return address == Some(named);
    }
    let (name, wanted) = match rule.rsplit_once(':') {
        Some((name, wanted)) => match wanted.parse::<u16>() {
            Ok(wanted) => (name.to_owned(), Some(wanted)),
            Err(_) => (rule.clone(), None),
        },
        None => (rule.clone(), None),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let only_below = name.starts_with('.') || name.starts_with("*.");
    let name = name.trim_start_matches('*').trim_start_matches('.');
    (!only_below && host == name) || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        bits <= width && (bits == 0 || (a ^ b).checked_shr(width - bits).unwrap_or(0) == 0)
    };
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn proxy(server: &str, spared: &str) -> Option<String> {
        from_environment(&server.parse().unwrap(), |name| match name {
            "https_proxy" => Some("proxy.corp:3128".to_owned()),
            "NO_PROXY" => Some(spared.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_server_abroad_goes_through_the_proxy() {
        assert_eq!(proxy("https://aks.azure.com:443", "").as_deref(), Some("http://proxy.corp:3128"));
        assert_eq!(proxy("http://aks.azure.com", ""), None, "there is none for http");
    }

    #[test]
    fn what_no_proxy_names_and_the_loopback_do_not() {
        for (server, spared) in [
            ("https://127.0.0.1:6443", ""),
            ("https://localhost:6443", ""),
            ("https://[::1]:6443", ""),
            ("https://10.1.2.3:6443", "example.org, 10.0.0.0/8"),
            ("https://10.1.2.3:6443", "10.1.2.3"),
            ("https://api.corp", "corp"),
            ("https://api.corp", ".corp"),
            ("https://api.corp", "*.corp"),
            ("https://api.corp:6443", "api.corp:6443"),
            ("https://[fd00::5]:6443", "fd00::/8"),
            ("https://anything", "*"),
        ] {
            assert_eq!(proxy(server, spared), None, "{server} {spared}");
        }
        for (server, spared) in [
            ("https://11.1.2.3:6443", "10.0.0.0/8"),
            ("https://api.notcorp", "corp"),
            ("https://corp", ".corp"),
            ("https://api.corp:6443", "api.corp:443"),
            ("https://10.1.2.3", "10.0.0.0/99"),
        ] {
            assert!(proxy(server, spared).is_some(), "{server} {spared}");
        }
    }
}
