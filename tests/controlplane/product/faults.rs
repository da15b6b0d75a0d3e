//! What goes wrong on a real server, and what batchtop says then.

use libtest_mimic::Trial;

use super::program::Program;
use crate::bed::{Bed, BedOptions, Component, Ending, Result, load};
use crate::pty::Session;
use crate::shared::{api_only, trial};
use crate::tests_bed::{ensure, equal};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("faults::a_restarted_api_server", a_restarted_api_server),
        trial("faults::bad_certificates_get_a_sentence_and_a_hint", bad_certificates_get_a_sentence_and_a_hint),
        trial("faults::nobody_listens", nobody_listens),
    ]
}

/// The Fleet's rows between the two rules of the screen, without ages, which grow. A row is known by the name of its
/// Node, the only column that is there at every width and whatever date or time the other columns hold.
fn rows(screen: &str) -> Vec<String> {
    let is_rule = |line: &&str| line.starts_with('─');
    let body = screen.lines().skip_while(|line| !is_rule(line)).skip(1).take_while(|line| !is_rule(line));
    let nodes = body.filter(|line| line.contains(NODE_NAME_PREFIX));
    nodes.map(|line| line.split_whitespace().filter(|word| !is_age(word)).collect::<Vec<_>>().join(" ")).collect()
}

/// What the names of the load's first 256 Nodes have in common.
const NODE_NAME_PREFIX: &str = "ip-10-0-0-";

fn is_age(word: &str) -> bool {
    word.ends_with(['s', 'm', 'h', 'd']) && word.starts_with(|c: char| c.is_ascii_digit())
}

fn fleet(program: &Program) -> Session {
    let screen = program.dashboard(&[], (160, 40));
    screen.wait_until("a live Fleet", |text| text.contains("live") && rows(text).len() == 12);
    screen
}

fn a_restarted_api_server() -> Result<()> {
    let bed = Bed::start(&BedOptions::api_only())?;
    load::fleet(&bed, 12, 100, 5)?;
    let program = Program::new(bed.admin_kubeconfig())?;
    let screen = fleet(&program);
    bed.stop(Component::ApiServer, Ending::Kill)?;
    let stale = screen.wait_for("stale");
    equal(&rows(&stale).len(), &12)?;
    bed.resume(Component::ApiServer)?;
    screen.wait_until("live again", |text| text.contains("live") && !text.contains("stale"));
    let fresh = fleet(&Program::new(bed.admin_kubeconfig())?);
    // Rows are sorted by verdict as soon as all nodes are judged, in each by its own clock.
    fresh.wait_until("the same rows", |text| rows(text) == rows(&screen.screen()));
    for session in [screen, fresh] {
        session.signal("TERM");
        session.wait();
    }
    Ok(())
}

fn bad_certificates_get_a_sentence_and_a_hint() -> Result<()> {
    let bed = api_only()?;
    for (kubeconfig, word) in [
        (bed.kubeconfig_expired()?, "401"),
        (bed.kubeconfig_of_stranger()?, "401"),
        (bed.kubeconfig_distrusting()?, "certificate"),
    ] {
        let run = Program::new(kubeconfig)?.run(&["snapshot", "--timeout", "20s"])?;
        equal(&run.code, &Some(3))?;
        ensure(run.err.contains(word) && run.err.contains("hint: "), || run.err.clone())?;
        ensure(run.out.is_empty(), || "something was printed".to_owned())?;
    }
    Ok(())
}

fn nobody_listens() -> Result<()> {
    let bed = api_only()?;
    let program = Program::new(bed.admin_kubeconfig())?;
    let run = program.run(&["snapshot", "--server", "https://127.0.0.1:1", "--timeout", "20s"])?;
    equal(&run.code, &Some(3))?;
    ensure(run.err.contains("127.0.0.1:1") && run.err.contains("hint: "), || run.err.clone())
}
