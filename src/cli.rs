//! Types of the command line.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::builder::FalseyValueParser as Falsey;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, value_parser};

use crate::config::SettingOrigin;
use crate::insight::spot::LIMITS;
use crate::units::money;

/// A terminal dashboard for batch jobs and GPU fleets on Kubernetes with Karpenter
///
/// Every flag can also be set by an environment variable BATCHTOP_… (BATCHTOP_CONTEXT for --context). A flag comes
/// before the environment, the environment before the configuration file, the file before the default.
#[derive(Parser, Debug, Clone)]
#[command(name = "batchtop", version, max_term_width = 100)]
pub struct Cli {
    /// Connection to the cluster.
    #[command(flatten)]
    pub connection: Connection,
    /// Filters of the listed rows.
    #[command(flatten)]
    pub rows: Rows,
    /// Simulated cluster in place of a real one.
    #[command(flatten)]
    pub demo: Demo,
    /// Other options of all commands.
    #[command(flatten)]
    pub common: Common,
    /// The command; without one, the terminal dashboard.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Arguments that the environment gives.
    #[arg(skip)]
    pub from_environment: BTreeSet<&'static str>,
}

/// An argument that sets a setting: its id, its flag, its variable.
const OF_SETTINGS: [(&str, &str, &str); 8] = [
    ("theme", "--theme", "BATCHTOP_THEME"),
    ("keymap", "--keymap", "BATCHTOP_KEYMAP"),
    ("prices", "--prices", "BATCHTOP_PRICES"),
    ("karpenter_version", "--karpenter-version", "BATCHTOP_KARPENTER_VERSION"),
    ("readonly", "--readonly", "BATCHTOP_READONLY"),
    ("no_aws", "--no-aws", "BATCHTOP_NO_AWS"),
    ("namespaces", "--namespace", "BATCHTOP_NAMESPACE"),
    ("all_namespaces", "--all-namespaces", "BATCHTOP_ALL_NAMESPACES"),
];

impl Cli {
    /// Where the value of an argument that sets a setting comes from.
    pub fn origin_of(&self, argument: &str) -> SettingOrigin {
        match OF_SETTINGS.iter().find(|(id, ..)| *id == argument) {
            Some((id, _, variable)) if self.from_environment.contains(id) => SettingOrigin::Environment(variable),
            Some((_, flag, _)) => SettingOrigin::Flag(flag),
            None => SettingOrigin::Default,
        }
    }

    /// Reads the command line and the environment. A mistake is printed by clap and ends the program.
    pub fn read() -> Self {
        let matches = Self::command().get_matches();
        Self::settle(&matches).unwrap_or_else(|error| error.exit())
    }

    /// `-n` on the command line takes precedence over `-A` in the environment.
    fn settle(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut cli = Self::from_arg_matches(matches)?;
        let source = |flag| matches.value_source(flag);
        if source("namespaces") == Some(ValueSource::CommandLine) {
            cli.rows.all_namespaces &= source("all_namespaces") == Some(ValueSource::CommandLine);
        }
        let from_environment = |id: &&str| matches.value_source(id) == Some(ValueSource::EnvVariable);
        cli.from_environment = OF_SETTINGS.iter().map(|(id, ..)| *id).filter(from_environment).collect();
        Ok(cli)
    }
}

/// kubectl's connection flags, with kubectl's meaning.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Connection (as in kubectl)")]
pub struct Connection {
    /// Path to the kubeconfig file; several may be listed in $KUBECONFIG
    #[arg(long, global = true, env = "BATCHTOP_KUBECONFIG", value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig context to use
    #[arg(long, global = true, env = "BATCHTOP_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig cluster to use
    #[arg(long, global = true, env = "BATCHTOP_CLUSTER", value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig user to use
    #[arg(long, global = true, env = "BATCHTOP_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, env = "BATCHTOP_AS", value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", global = true, env = "BATCHTOP_AS_GROUP", value_name = "GROUP", value_delimiter = ',')]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate
    #[arg(long = "as-uid", global = true, env = "BATCHTOP_AS_UID", value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// How long to wait for a response of the API server, for example 30s; 0 waits forever
    #[arg(long, global = true, env = "BATCHTOP_REQUEST_TIMEOUT", value_name = "DURATION")]
    pub request_timeout: Option<String>,
    /// Bearer token
    #[arg(long, global = true, env = "BATCHTOP_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Address and port of the API server
    #[arg(short, long, global = true, env = "BATCHTOP_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// Path to a certificate file of the certificate authority
    #[arg(long, global = true, env = "BATCHTOP_CERTIFICATE_AUTHORITY", value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// Do not check the API server's certificate
    #[arg(long, global = true, env = "BATCHTOP_INSECURE_SKIP_TLS_VERIFY", value_parser = Falsey::new())]
    pub insecure_skip_tls_verify: bool,
}

/// Filters of the listed rows. Totals always count the whole cluster.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Rows")]
pub struct Rows {
    /// Only Jobs, Pods and Events of these namespaces; may be repeated or separated by commas
    #[arg(
        short,
        long = "namespace",
        global = true,
        env = "BATCHTOP_NAMESPACE",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub namespaces: Vec<String>,
    /// All namespaces, even if the configuration file lists some
    #[arg(short = 'A', long, global = true, env = "BATCHTOP_ALL_NAMESPACES", value_parser = Falsey::new())]
    pub all_namespaces: bool,
    /// Only Jobs, Pods and Events with these labels, for example team=ml,tier!=test
    #[arg(short = 'l', long, global = true, env = "BATCHTOP_SELECTOR", value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// Only Nodes and NodeClaims with these labels
    #[arg(long, global = true, env = "BATCHTOP_NODE_SELECTOR", value_name = "SELECTOR")]
    pub node_selector: Option<String>,
}

/// The simulated cluster.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Demo")]
pub struct Demo {
    /// Show a simulated cluster; needs no access to a real one
    #[arg(long, global = true, env = "BATCHTOP_DEMO", value_parser = Falsey::new())]
    pub demo: bool,
    /// Seed of the simulated cluster; equal seeds give equal clusters
    #[arg(long = "demo-seed", global = true, env = "BATCHTOP_DEMO_SEED", value_name = "N")]
    pub seed: Option<u64>,
    /// Speed of the simulated cluster; 1 is real time
    #[arg(long = "demo-speed", global = true, env = "BATCHTOP_DEMO_SPEED", value_name = "X")]
    pub speed: Option<f64>,
}

/// Options of all commands.
#[derive(Args, Debug, Clone, Default)]
pub struct Common {
    /// Remove every action that writes to the cluster
    #[arg(long, global = true, env = "BATCHTOP_READONLY", value_parser = Falsey::new())]
    pub readonly: bool,
    /// Do not use AWS: request no prices and load no credentials
    #[arg(long = "no-aws", global = true, env = "BATCHTOP_NO_AWS", value_parser = Falsey::new())]
    pub no_aws: bool,
    /// Karpenter's version, if it cannot be read from the cluster, for example 1.14.1
    #[arg(long, global = true, env = "BATCHTOP_KARPENTER_VERSION", value_name = "VERSION")]
    pub karpenter_version: Option<String>,
    /// Theme: one that batchtop themes lists, or the name of a file in the themes folder
    #[arg(long, global = true, env = "BATCHTOP_THEME", value_name = "NAME")]
    pub theme: Option<String>,
    /// Keymap: default, vim, emacs, or the name of a file in the keymaps folder
    #[arg(long, global = true, env = "BATCHTOP_KEYMAP", value_name = "NAME")]
    pub keymap: Option<String>,
    /// Price file, TOML or CSV, instead of prices.toml or prices.csv in the configuration folder
    #[arg(long, global = true, env = "BATCHTOP_PRICES", value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Configuration file to read instead of config.toml in the configuration folder
    #[arg(long, global = true, env = "BATCHTOP_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Commands besides the dashboard.
#[derive(Subcommand, Debug, Clone)]
pub enum Command {
    /// Print everything batchtop knows as one JSON document
    Snapshot(Snapshot),
    /// Print what the accelerators of each node do, the most dollars for idle ones first
    Gpus(Gpus),
    /// Print where the time went between the creation of pods and their being ready
    Starts(Starts),
    /// Explain the risk of spot capacity
    Spot {
        /// Subcommand
        #[command(subcommand)]
        action: Spot,
    },
    /// Print the ClusterRole that batchtop needs
    Rbac {
        /// viewer reads; operator may also protect, unprotect and evict
        #[arg(value_enum)]
        role: Role,
        /// Also let it read the metrics of accelerators, for their utilization: get on pods/proxy and services/proxy, which
        /// reach any port of any pod and Service
        #[arg(long)]
        with_gpu_metrics: bool,
        /// Also let it read the logs of containers: get on pods/log
        #[arg(long)]
        with_logs: bool,
    },
    /// Print completions for a shell: flags, contexts of the kubeconfig, namespaces of the cluster, themes and keymaps
    Completions {
        /// Shell to print completions for
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// List the themes
    Themes,
    /// List the keys
    Keys,
    /// Explain the prices of nodes
    Prices {
        /// Subcommand
        #[command(subcommand)]
        action: Prices,
    },
    /// Show or check the configuration
    Config {
        /// Subcommand
        #[command(subcommand)]
        action: Config,
    },
}

/// Flags of `snapshot`.
#[derive(Args, Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Snapshot {
    /// Longest time to wait until everything is read, for example 60s
    #[arg(long, env = "BATCHTOP_TIMEOUT", value_name = "DURATION", default_value = "60s")]
    pub timeout: String,
    /// Write to this file (atomically; a new one has mode 0600) instead of standard output; - is standard output
    #[arg(short, long, env = "BATCHTOP_OUTPUT_FILE", value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Fail with exit code 1 when anything could not be read completely
    #[arg(long, env = "BATCHTOP_STRICT", value_parser = Falsey::new())]
    pub strict: bool,
    /// List each accelerator of each node, too
    #[arg(long, env = "BATCHTOP_GPU_DETAIL", value_parser = Falsey::new())]
    pub gpu_detail: bool,
    /// Neither read nor keep what was observed of starts, spot pools and held nodes: only what the cluster shows now
    #[arg(long, env = "BATCHTOP_NO_STATE", value_parser = Falsey::new())]
    pub no_state: bool,
    /// Print the document's JSON schema instead
    #[arg(long)]
    pub schema: bool,
}

/// Flags of `gpus`.
#[derive(Args, Debug, Clone)]
pub struct Gpus {
    /// Longest time to wait until everything is read, for example 60s
    #[arg(long, env = "BATCHTOP_TIMEOUT", value_name = "DURATION", default_value = "60s")]
    pub timeout: String,
    /// Format of the output: json, or wide for more columns
    #[arg(short, long, env = "BATCHTOP_GPUS_OUTPUT", value_enum, value_name = "FORMAT")]
    pub output: Option<GpuFormat>,
    /// Fail with exit code 1 where a limit is passed: idle>$50 for dollars per hour, rogue>0 for devices
    #[arg(long, env = "BATCHTOP_FAIL_ON", value_name = "LIMIT", value_delimiter = ',')]
    pub fail_on: Vec<String>,
}

/// Arguments of `starts`.
#[derive(Args, Debug, Clone)]
pub struct Starts {
    /// Only this pod, or the pods of this Job: NAME or NAMESPACE/NAME; also a finished one that still exists
    #[arg(value_name = "POD|JOB")]
    pub name: Option<String>,
    /// Longest time to wait until everything is read, for example 60s
    #[arg(long, env = "BATCHTOP_TIMEOUT", value_name = "DURATION", default_value = "60s")]
    pub timeout: String,
    /// Format of the output in place of text: json
    #[arg(short, long, env = "BATCHTOP_STARTS_OUTPUT", value_enum, value_name = "FORMAT")]
    pub output: Option<StartFormat>,
}

/// The formats of `starts` besides text.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFormat {
    /// One JSON document.
    Json,
}

/// The formats of `gpus` besides the table.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuFormat {
    /// One JSON document.
    Json,
    /// The table with more columns.
    Wide,
}

/// Subcommands of `spot`.
#[derive(Subcommand, Debug, Clone)]
pub enum Spot {
    /// Print the terms of the score of a pool, or of the inputs that are given, which needs no cluster
    #[command(after_help = LIMITS)]
    Explain(SpotExplain),
}

/// Flags of `spot explain`.
#[derive(Args, Debug, Clone, Default)]
pub struct SpotExplain {
    /// Pool of the cluster, as spotPools of the snapshot name it: g5.xlarge/us-east-1a
    #[arg(conflicts_with_all = ["advisor_range", "interruptions", "node_hours", "placement_score", "price_ratio"])]
    pub pool: Option<String>,
    /// Range of the Spot Instance Advisor: 0 is <5%, 1 5-10%, 2 10-15%, 3 15-20%, 4 >20%
    #[arg(long, env = "BATCHTOP_SPOT_ADVISOR_RANGE", value_name = "0..4")]
    #[arg(value_parser = value_parser!(u8).range(0..=4))]
    pub advisor_range: Option<u8>,
    /// Interruptions that were watched
    #[arg(long, env = "BATCHTOP_SPOT_INTERRUPTIONS", value_name = "K", value_parser = millionths)]
    pub interruptions: Option<u64>,
    /// Hours for which nodes were watched, added up
    #[arg(long, env = "BATCHTOP_SPOT_NODE_HOURS", value_name = "T", value_parser = millionths)]
    pub node_hours: Option<u64>,
    /// Placement score of EC2
    #[arg(long, env = "BATCHTOP_SPOT_PLACEMENT_SCORE", value_name = "1..10")]
    #[arg(value_parser = value_parser!(u8).range(1..=10))]
    pub placement_score: Option<u8>,
    /// Spot price divided by on-demand price, for example 0.45
    #[arg(long, env = "BATCHTOP_SPOT_PRICE_RATIO", value_name = "X", value_parser = millionths)]
    pub price_ratio: Option<u64>,
    /// Format of the output
    #[arg(short, long, env = "BATCHTOP_SPOT_OUTPUT", value_enum, value_name = "FORMAT")]
    pub output: Option<SpotFormat>,
}

/// The formats of `spot explain` besides the text.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpotFormat {
    /// One JSON document.
    Json,
}

/// A decimal number, at most a million, in millionths.
fn millionths(text: &str) -> Result<u64, String> {
    let number = money::parse_usd(text).and_then(|millionths| u64::try_from(millionths).ok());
    number.ok_or_else(|| "not a decimal number from 0 to 1000000".to_owned())
}

/// The roles of `rbac`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// May read.
    Viewer,
    /// May read, and change annotations of pods and nodes.
    Operator,
}

/// Subcommands of `config`.
#[derive(Subcommand, Debug, Clone, Copy)]
pub enum Config {
    /// Print the paths of all files
    Path,
    /// Print the settings in force, as a configuration file
    Print {
        /// Say of each where it comes from: default, file and line, environment variable, flag
        #[arg(long)]
        origin: bool,
        /// Print all settings with their meaning and default instead
        #[arg(long = "default", conflicts_with = "origin")]
        defaults: bool,
    },
    /// Print the JSON Schema of the configuration file, with which editors complete and check it
    Schema,
    /// Report every mistake in configuration, theme and keymap files
    Check,
}

/// Subcommands of `prices`.
#[derive(Subcommand, Debug, Clone)]
pub enum Prices {
    /// Print the price sources of a node in order, with the answer of each
    Explain {
        /// Name of the node
        node: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn rights_for_the_metrics_of_accelerators_are_given_only_where_asked_for() {
        let plain = ["batchtop", "rbac", "viewer"];
        let with = ["batchtop", "rbac", "viewer", "--with-gpu-metrics"];
        for (flags, expected) in [(&plain[..], false), (&with, true)] {
            let command = Cli::try_parse_from(flags).expect("parses").command;
            assert!(matches!(command, Some(Command::Rbac { with_gpu_metrics, .. }) if with_gpu_metrics == expected));
        }
    }

    #[test]
    fn flags_are_accepted_before_and_after_the_command() {
        let before = Cli::try_parse_from(["batchtop", "--context", "a", "snapshot"]).expect("parses");
        let after = Cli::try_parse_from(["batchtop", "snapshot", "--context", "a"]).expect("parses");
        assert_eq!(before.connection.context, after.connection.context);
    }
}
