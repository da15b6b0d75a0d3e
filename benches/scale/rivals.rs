//! Other programs on the same fleet, where they are found on PATH.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::bed::{Context, Result};
use crate::figures::RivalFigures;
use crate::measure::{mib, share};
use crate::process;
use crate::report::grouped;
use crate::say;
use crate::terminal::Terminal;

/// How long a program may take until it is complete.
const PATIENCE: Duration = Duration::from_mins(4);

/// A program is stopped when the machine has no more memory left than this: nothing else must suffer.
const SPARE_MIB: f64 = 1200.0;

/// How often the screen is looked at.
const LOOK: Duration = Duration::from_millis(100);

const IDLE: Duration = Duration::from_secs(30);

/// What a program lists.
#[derive(Clone, Copy)]
enum Rows {
    Nodes,
    Pods,
}

struct Rival {
    program: &'static str,
    version: &'static [&'static str],
    arguments: &'static [&'static str],
    rows: Rows,
}

const RIVALS: [Rival; 3] = [
    Rival {
        program: "k9s",
        version: &["version", "--short"],
        arguments: &["--readonly", "--all-namespaces", "--command", "pods"],
        rows: Rows::Pods,
    },
    Rival { program: "sofka", version: &["--version"], arguments: &[], rows: Rows::Pods },
    Rival { program: "eks-node-viewer", version: &["--version"], arguments: &["--disable-pricing"], rows: Rows::Nodes },
];

/// Runs those that are found, one after the other. One that ends by itself is left out.
pub fn run(kubeconfig: &Path, home: &Path, nodes: usize, pods: usize) -> Vec<RivalFigures> {
    let found = RIVALS.iter().filter(|rival| is_on_path(rival.program));
    let run = |rival: &Rival| {
        let figures = rival.run(kubeconfig, home, nodes, pods);
        figures.inspect_err(|failure| say(&format!("{}: {failure}", rival.program))).ok()
    };
    found.filter_map(run).collect()
}

impl Rival {
    fn run(&self, kubeconfig: &Path, home: &Path, nodes: usize, pods: usize) -> Result<RivalFigures> {
        say(&format!("running {}", self.program));
        let rows = match self.rows {
            Rows::Nodes => nodes,
            Rows::Pods => pods,
        };
        let kubeconfig = kubeconfig.to_str().context("a kubeconfig")?;
        let variables = [("KUBECONFIG", kubeconfig)];
        let terminal = Terminal::start(self.program, self.arguments, home, &variables)?;
        let stopped = wait_until_complete(&terminal, rows);
        let (seconds, processor) = (terminal.began().elapsed(), process::processor(terminal.id()?)?);
        let memory = process::memory(terminal.id()?)?;
        let idle = match stopped {
            None => Some(share(&terminal, || {
                thread::sleep(IDLE);
                Ok(())
            })?),
            Some(_) => None,
        };
        Ok(RivalFigures {
            name: format!("{} {}", self.program, version(self)).trim().to_owned(),
            seconds: stopped.is_none().then_some(seconds.as_secs_f64()),
            processor_seconds: processor.as_secs_f64(),
            resident_mib: mib(memory.resident_kib),
            peak_mib: mib(process::memory(terminal.id()?)?.peak_kib),
            idle_percent: idle.map(|((), share)| share),
            stopped,
        })
    }
}

/// Waits until the number of rows stands on the screen; `Some` says why it was given up.
fn wait_until_complete(terminal: &Terminal, rows: usize) -> Option<String> {
    let forms = [rows.to_string(), grouped(rows)];
    while terminal.began().elapsed() < PATIENCE {
        let contents = terminal.contents();
        if contents.split(|c: char| !c.is_ascii_digit() && c != ',').any(|number| forms.iter().any(|f| f == number)) {
            return None;
        }
        if process::available_mib() < SPARE_MIB {
            return Some("stopped: the machine has no memory left".to_owned());
        }
        thread::sleep(LOOK);
    }
    Some(format!("not within {} s", PATIENCE.as_secs()))
}

fn version(rival: &Rival) -> String {
    let output = Command::new(rival.program).args(rival.version).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let is_version = |word: &&str| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
    text.split_whitespace().find(is_version).unwrap_or_default().trim_start_matches('v').to_owned()
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
