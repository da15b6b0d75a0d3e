//! What the program is built from: licences that may be shipped, and one TLS stack.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

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

/// Name, version and licence of each crate that the program (not its tests) is built from on this machine.
fn crates() -> BTreeSet<(String, String, String)> {
    crates_with("--features=default")
}

fn crates_with(features: &str) -> BTreeSet<(String, String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges=normal,build", "--prefix=none", "--format={p}|{l}", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().filter(|line| !line.is_empty()).map(parse).collect()
}

/// One line of `cargo tree`: `name v1.2.3 (notes)|licence`, with ` (*)` behind what was listed before.
fn parse(line: &str) -> (String, String, String) {
    let (package, licence) = line.split_once('|').expect("a licence column");
    let mut words = package.split(' ');
    let mut word = || words.next().expect("name and version").to_string();
    (word(), word(), licence.trim_end_matches(" (*)").to_string())
}

/// Whether an SPDX expression can be met with the licences above: any side of OR, every side of AND.
fn is_allowed(expression: &str) -> bool {
    let text = expression.replace('/', " OR ").replace(['(', ')'], "");
    text.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let bad: Vec<_> = crates().into_iter().filter(|(_, _, licence)| !is_allowed(licence)).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn there_is_one_tls_stack() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, version, _) in crates() {
        versions.entry(name).or_default().insert(version);
    }
    for banned in ["ring", "openssl-sys", "native-tls", "chrono"] {
        assert!(!versions.contains_key(banned), "{banned} is back in the dependency tree");
    }
    for only in ["rustls", "rustls-webpki", "hyper", "h2", "http"] {
        assert_eq!(versions[only].len(), 1, "{only} {:?}", versions[only]);
    }
}

#[test]
fn no_aws_crate_is_built_without_default_features() {
    let of_aws = |(name, ..): &(String, String, String)| {
        name.starts_with("aws-") && !["aws-lc-rs", "aws-lc-sys"].contains(&name.as_str())
    };
    assert!(crates().iter().any(of_aws), "it comes with the default features");
    let left: Vec<_> = crates_with("--no-default-features").into_iter().filter(of_aws).collect();
    assert!(left.is_empty(), "{left:?}");
}
