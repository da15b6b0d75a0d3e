//! Runs the real program against a bed.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::bed::{Context, Failure, Result};
use crate::pty::Session;

const PROGRAM: &str = env!("CARGO_BIN_EXE_batchtop");

/// A home of its own, so that a user's kubeconfig, settings and state are never touched.
pub struct Program {
    home: TempDir,
    kubeconfig: PathBuf,
}

/// What a run printed.
pub struct Run {
    /// Exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Program {
    /// With this kubeconfig.
    pub fn new(kubeconfig: PathBuf) -> Result<Self> {
        Ok(Self { home: tempfile::tempdir().context("a home")?, kubeconfig })
    }

    /// Runs to the end.
    pub fn run(&self, arguments: &[&str]) -> Result<Run> {
        let Output { status, stdout, stderr } = Command::new(PROGRAM)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("KUBECONFIG", &self.kubeconfig)
            .env("BATCHTOP_NO_AWS", "1")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .output()
            .context(PROGRAM)?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Run { code: status.code(), out: text(stdout), err: text(stderr) })
    }

    /// The snapshot; the run must succeed, and the document must match its schema.
    pub fn snapshot(&self, arguments: &[&str]) -> Result<Value> {
        let run = self.run(&[&["snapshot"], arguments].concat())?;
        if run.code != Some(0) {
            return Err(Failure::new(format!("snapshot ended with {:?}: {}", run.code, run.err)));
        }
        let document = serde_json::from_str(&run.out).context(&run.out)?;
        let errors: Vec<String> = schema().iter_errors(&document).map(|error| error.to_string()).collect();
        if !errors.is_empty() {
            return Err(Failure::new(format!("the snapshot breaks its schema: {}", errors.join("\n"))));
        }
        Ok(document)
    }

    /// Starts the dashboard in a terminal of this size.
    pub fn dashboard(&self, arguments: &[&str], size: (u16, u16)) -> Session {
        let kubeconfig = self.kubeconfig.display().to_string();
        Session::start(
            PROGRAM,
            arguments,
            &[("KUBECONFIG", &kubeconfig), ("BATCHTOP_NO_AWS", "1")],
            self.home.path(),
            size,
        )
    }

    /// The journal, entry by entry.
    pub fn journal(&self) -> Result<Vec<Value>> {
        let path = self.home.path().join(".local/state/batchtop/journal.jsonl");
        let text = std::fs::read_to_string(&path).context(path.display())?;
        text.lines().map(|line| serde_json::from_str(line).context(line)).collect()
    }
}

fn schema() -> &'static jsonschema::Validator {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let output = Command::new(PROGRAM).args(["snapshot", "--schema"]).output().expect("the program runs");
        let schema = serde_json::from_slice(&output.stdout).expect("a schema in JSON");
        jsonschema::validator_for(&schema).expect("a valid schema")
    })
}
