//! What the program is built from: licences that may be shipped, and one TLS stack.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Licences that Apache-2.0 code may be shipped with; `deny.toml` has the same list for cargo-deny.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Only what this machine builds: crates for other platforms need not have been downloaded.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host line").to_string()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", &host()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Whether an SPDX expression can be met with the licences above: any side of OR, every side of AND.
fn is_allowed(expression: &str) -> bool {
    let text = expression.replace('/', " OR ").replace(['(', ')'], "");
    text.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn every_licence_may_be_shipped() {
    let bad: Vec<String> = packages()
        .iter()
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or_default()))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn there_is_one_tls_stack() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        let text = |field: &str| package[field].as_str().expect("text").to_string();
        versions.entry(text("name")).or_default().push(text("version"));
    }
    for banned in ["ring", "openssl-sys", "native-tls", "chrono"] {
        assert!(!versions.contains_key(banned), "{banned} is back in the dependency tree");
    }
    assert_eq!(versions["rustls"].len(), 1, "{:?}", versions["rustls"]);
}
