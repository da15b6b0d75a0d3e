//! `cargo test --test controlplane -- --stay [NODES PODS]`: a bed to look at batchtop with, until standard input ends.

use std::io::{Read, Write};
use std::process::ExitCode;

use crate::bed::{Bed, BedOptions, Context, Result, load};

/// If this process is asked to: starts a bed, says where its kubeconfig is, and keeps it until its input ends.
pub fn run_if_asked() -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (first, rest) = arguments.split_first()?;
    (first == "--stay").then(|| match stay(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    })
}

fn stay(sizes: &[String]) -> Result<()> {
    let bed = match sizes {
        [nodes, pods] => loaded(nodes, pods)?,
        _ => Bed::start(&BedOptions::full())?,
    };
    writeln!(std::io::stdout(), "export KUBECONFIG={}", bed.admin_kubeconfig().display()).context("writing")?;
    std::io::stdin().read_to_end(&mut Vec::new()).context("waiting")?;
    Ok(())
}

fn loaded(nodes: &str, pods: &str) -> Result<Bed> {
    let bed = Bed::start(&BedOptions::api_only())?;
    load::fleet(&bed, nodes.parse().context(nodes)?, pods.parse().context(pods)?, 1)?;
    Ok(bed)
}
