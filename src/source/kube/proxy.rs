//! Which proxy leads to the API server.
//!
//! kube 5.0.0 matches NO_PROXY against the address of the proxy instead of the server's, and fails on an empty entry
//! (kube-client config/file_loader.rs `proxy_url`), so both variables are read here, by the rules of Go's `httpproxy`.

use std::net::IpAddr;

use super::kubeconfig::{Env, config_error};
use crate::fleet::ConnectionError;

/// The proxy for `server`: that of the kubeconfig, which NO_PROXY does not concern, else that of the environment.
pub(super) fn proxy_for(
    server: &http::Uri,
    configured: Option<&str>,
    env: Env<'_>,
) -> Result<Option<http::Uri>, ConnectionError> {
    let either =
        |upper: &str| env(upper).or_else(|| env(&upper.to_ascii_lowercase())).filter(|value| !value.is_empty());
    let (url, origin) = if let Some(url) = configured.filter(|url| !url.is_empty()) {
        (url.to_owned(), "proxy-url of the kubeconfig")
    } else {
        let variable = if server.scheme_str() == Some("http") { "HTTP_PROXY" } else { "HTTPS_PROXY" };
        match either(variable) {
            Some(url) if !bypasses(server, &either("NO_PROXY").unwrap_or_default()) => (url, variable),
            _ => return Ok(None),
        }
    };
    parse(&url).map(Some).ok_or_else(|| {
        // The address itself is not shown: it may hold a password.
        config_error(format!("{origin} is not a proxy's address"), "It has the form http://host:port.")
    })
}

/// Go takes a bare `host:port` as an HTTP proxy.
fn parse(url: &str) -> Option<http::Uri> {
    let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    full.parse().ok().filter(|uri: &http::Uri| uri.host().is_some())
}

fn bypasses(server: &http::Uri, no_proxy: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        entry == "*"
            || match address {
                Some(address) => matches_address(entry, address, port),
                None => matches_name(&entry.to_ascii_lowercase(), &host, port),
            }
    })
}

fn matches_address(entry: &str, address: IpAddr, port: u16) -> bool {
    if let Some((network, bits)) = entry.split_once('/') {
        return network.parse().is_ok_and(|network| within(address, network, bits.parse().unwrap_or(u8::MAX)));
    }
    let (host, entry_port) = split_port(entry);
    host.trim_matches(['[', ']']).parse() == Ok(address) && entry_port.is_none_or(|wanted| wanted == port)
}

fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let same = |a: u128, b: u128, width: u8| bits <= width && (bits == 0 || (a ^ b) >> (width - bits) == 0);
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

/// `example.com` covers itself and what is below it, `.example.com` and `*.example.com` only what is below it.
fn matches_name(entry: &str, host: &str, port: u16) -> bool {
    let (name, entry_port) = split_port(entry);
    if entry_port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(domain) => is_below(host, domain),
        None => host == name || is_below(host, name),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(server: &str, no_proxy: &str) -> bool {
        let env = |name: &str| match name {
            "HTTPS_PROXY" => Some("http://proxy.corp:3128".to_owned()),
            "no_proxy" => Some(no_proxy.to_owned()),
            _ => None,
        };
        proxy_for(&server.parse().unwrap(), None, &env).unwrap().is_some()
    }

    #[test]
    fn no_proxy_is_matched_against_the_server() {
        for (server, no_proxy, expected) in [
            ("https://10.0.0.1", "", true),
            ("https://10.0.0.1", "proxy.corp:3128", true),
            ("https://10.0.0.1", "10.0.0.0/8", false),
            ("https://10.0.0.1:6443", "10.0.0.1:6443", false),
            ("https://10.0.0.1:6443", "10.0.0.1:443", true),
            ("https://11.0.0.1", "10.0.0.0/8, ,*.local", true),
            ("https://api.eks.amazonaws.com", "amazonaws.com", false),
            ("https://amazonaws.com", ".amazonaws.com", true),
            ("https://api.amazonaws.com", "*.amazonaws.com,", false),
            ("https://notamazonaws.com", "amazonaws.com", true),
            ("https://[fd00::1]", "fd00::/8", false),
            ("https://anything", "*", false),
            ("https://localhost:6443", "", false),
            ("https://127.0.0.1:6443", "", false),
            ("http://10.0.0.1", "", false),
        ] {
            assert_eq!(proxied(server, no_proxy), expected, "{server} with NO_PROXY={no_proxy:?}");
        }
    }

    #[test]
    fn the_kubeconfig_proxy_overrides_no_proxy_and_an_invalid_one_is_refused() {
        let server: http::Uri = "https://10.0.0.1".parse().unwrap();
        let env = |name: &str| (name == "NO_PROXY").then(|| "*".to_owned());
        let proxy = proxy_for(&server, Some("socks5://p:1080"), &env).unwrap().unwrap();
        assert_eq!(proxy.scheme_str(), Some("socks5"));
        assert_eq!(proxy_for(&server, Some("p:1"), &env).unwrap().unwrap().scheme_str(), Some("http"));
        assert!(proxy_for(&server, Some("http://"), &env).is_err());
        let refused = proxy_for(&server, Some("http://u:swordfish@ p"), &env).err().unwrap();
        assert!(!refused.message.contains("swordfish"), "{refused:?}");
    }
}
